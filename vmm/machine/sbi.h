/*
 * The supervisor binary interface (RISC-V SBI Specification 2.0), as far as a machine of one hart
 * needs it: base, TIME, IPI, RFENCE, HSM, SRST, DBCN, and the legacy console and shutdown. There is
 * no firmware below the guest's kernel; this is it.
 */
#ifndef VMM_MACHINE_SBI_H
#define VMM_MACHINE_SBI_H

/* Callback of the hart (struct hart_callbacks.sbi_call); context is the machine. */
void sbi_call(void *context);

#endif
