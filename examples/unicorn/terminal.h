/*
 * terminal.h - the guest's console on this process's standard input and output, and the two signals
 * that end it. A thread of its own reads what is typed.
 *
 * A terminal is set to give each key at once and not to echo, as the guest does that itself, and is
 * set back at the end. Anything else, a pipe or a file, is taken as it is.
 */
#ifndef EXAMPLES_UNICORN_TERMINAL_H
#define EXAMPLES_UNICORN_TERMINAL_H

#include <stddef.h>
#include <stdint.h>

#include <ftvm/ftvm.h>

#define TERMINAL_INPUT_SIZE 256u /* bytes that are given to the node together at most */

struct terminal;

/* In main, before there are threads: SIGINT and SIGTERM are for the terminal's alone. */
void terminal_block_signals(void);

/* What is typed goes to `device` of the node, once terminal_live() was called; SIGINT and SIGTERM
 * stop the node, and the second of them the process. NULL: the system refused, and errno says why.
 */
struct terminal *terminal_open(struct ftvm_node *node, uint32_t device);
/* The node is used no more: before ftvm_node_destroy. */
void terminal_detach(struct terminal *terminal);
/* Sets the terminal back. After ftvm_node_destroy, as outputs may come until then. */
void terminal_close(struct terminal *terminal);

/* Both for struct machine_host; any thread, never block. Text that nobody takes now stays with the
 * library (FTVM_E_FULL), which is where it is safe: a queue here would be lost with this process.
 */
int terminal_emit(void *terminal, const void *text, size_t size);
void terminal_live(void *terminal);

#endif
