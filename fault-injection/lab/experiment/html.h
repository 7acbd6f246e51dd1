/*
 * Writing HTML: whatever comes from elsewhere is escaped.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_HTML_H
#define FAULT_INJECTION_LAB_EXPERIMENT_HTML_H

#include <stdio.h>

/* Up to the body, with its title as heading; html_end() closes it. */
void html_begin(FILE *file, const char *title);
void html_end(FILE *file);

void html_text(FILE *file, const char *text);
/* <tag>text</tag> and a line's end. */
void html_element(FILE *file, const char *tag, const char *text);
__attribute__((format(printf, 3, 4))) void html_elementf(FILE *file, const char *tag,
                                                         const char *format, ...);
/* A table's first row, of names up to NULL. */
void html_heads(FILE *file, const char *const names[]);
/* A cell with a number of three digits or so; empty if it is none. */
void html_number(FILE *file, double number);

#endif
