#include "fault-injection/lab/experiment/html.h"

#include <math.h>
#include <stdarg.h>

#define TEXT_SIZE 8192

static const char style[] =
    "body{font:16px/1.45 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}\n"
    "h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.2rem;margin-top:2rem}\n"
    "table{border-collapse:collapse;font-size:.85rem;margin:.6rem 0;display:block;overflow-x:auto}"
    "\n"
    "th,td{padding:.2rem .6rem;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}\n"
    "th:first-child,td:first-child,td.text{text-align:left;white-space:normal}\n"
    "th{border-bottom:2px solid #888}pre{background:#f4f4f4;padding:.6rem;overflow-x:auto;"
    "font-size:.85rem}\n"
    "svg{max-width:100%;height:auto;display:block;margin:.6rem 0}\n"
    ".bad{color:#a00;font-weight:600}.fine{color:#070;font-weight:600}\n";

void html_begin(FILE *file, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
          file);
    html_text(file, title);
    fprintf(file, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
    html_element(file, "h1", title);
}

void html_end(FILE *file)
{
    fputs("</body>\n</html>\n", file);
}

void html_text(FILE *file, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&': fputs("&amp;", file); break;
        case '<': fputs("&lt;", file); break;
        case '>': fputs("&gt;", file); break;
        case '"': fputs("&quot;", file); break;
        case '\'': fputs("&#39;", file); break;
        default:
            /* Others that HTML does not allow, as a console may hold them. */
            fputc((unsigned char)*text < ' ' && *text != '\n' && *text != '\t' ? '?' : *text, file);
        }
    }
}

void html_element(FILE *file, const char *tag, const char *text)
{
    fprintf(file, "<%s>", tag);
    html_text(file, text);
    fprintf(file, "</%s>\n", tag);
}

void html_elementf(FILE *file, const char *tag, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    html_element(file, tag, text);
}

void html_heads(FILE *file, const char *const names[])
{
    fputs("<tr>", file);
    for (; *names; names++) {
        fputs("<th>", file);
        html_text(file, *names);
        fputs("</th>", file);
    }
    fputs("</tr>\n", file);
}

void html_number(FILE *file, double number)
{
    double size = fabs(number);
    int digits = size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;

    if (isfinite(number) && size > 0 && size < 0.001)
        fprintf(file, "<td>%.2g</td>", number);
    else if (isfinite(number))
        fprintf(file, "<td>%.*f</td>", digits, number);
    else
        fputs("<td></td>", file);
}
