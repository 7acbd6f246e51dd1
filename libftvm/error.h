/* Error codes in lines for people. */
#ifndef LIBFTVM_ERROR_H
#define LIBFTVM_ERROR_H

#define ERROR_TEXT_SIZE 16u

/* What a callback returned: ftvm_strerror() of a code of the library, which machines hand through
 * or use as they are, and the number of any other, which only its machine can explain. Valid as
 * long as `number` is, where it may be written. */
const char *error_text(int error, char number[ERROR_TEXT_SIZE]);

#endif
