#include <ftvm/ftvm.h>

const char *ftvm_strerror(int error)
{
    if (error >= 0) {
        return "success";
    }
    switch ((enum ftvm_error)error) {
#define FTVM_ERROR_CASE(name, number, text)                                                        \
    case name: return text;
        FTVM_ERRORS(FTVM_ERROR_CASE)
#undef FTVM_ERROR_CASE
    }
    return "unknown error";
}

int ftvm_version_number(void)
{
    return FTVM_VERSION_NUMBER;
}

const char *ftvm_version(void)
{
    return FTVM_VERSION;
}
