/* Floating point on SSE2. */
#include "vmm/riscv/jit/x86_64/emitter.h"

void emit_float(struct back_end *e, const struct ir_op *op)
{
    call_execute(e, op);
}
