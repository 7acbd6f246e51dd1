#include <ftvm/ftvm.h>

#define TEXT_OF(x)                        #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

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

const char *ftvm_version(void)
{
    return VERSION_TEXT(FTVM_VERSION_MAJOR, FTVM_VERSION_MINOR, FTVM_VERSION_PATCH);
}
