#include "vmm/backends/fail.h"

#include <stdarg.h>
#include <stdio.h>

int backend_fail(char *error, size_t error_size, int code, const char *format, ...)
{
    if (error && error_size) {
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(error, error_size, format, arguments);
        va_end(arguments);
    }
    return code;
}
