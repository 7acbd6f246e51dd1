#include "libftvm/error.h"

#include <stdio.h>

#include <ftvm/ftvm.h>

/* NULL: not one of the library's. */
static const char *find_text(int error)
{
    switch ((enum ftvm_error)error) {
#define FTVM_ERROR_CASE(name, number, text)                                                        \
    case name: return text;
        FTVM_ERRORS(FTVM_ERROR_CASE)
#undef FTVM_ERROR_CASE
    }
    return NULL;
}

const char *ftvm_strerror(int error)
{
    const char *text = find_text(error);
    return error >= 0 ? "success" : text != NULL ? text : "unknown error";
}

const char *error_text(int error, char number[ERROR_TEXT_SIZE])
{
    const char *text = find_text(error);
    if (text != NULL) {
        return text;
    }
    snprintf(number, ERROR_TEXT_SIZE, "%d", error);
    return number;
}

int ftvm_version_number(void)
{
    return FTVM_VERSION_NUMBER;
}

const char *ftvm_version(void)
{
    return FTVM_VERSION;
}
