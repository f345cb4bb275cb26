#ifndef UDSRPC_COMMON_PROBES_H_
#define UDSRPC_COMMON_PROBES_H_

// Static probes of the provider "udsrpc" (USDT), for bpftrace, perf and SystemTap: a "nop" each, and a note in the
// binary that says where it is and where its arguments are. See docs/OBSERVABILITY.md. Without <sys/sdt.h> (Debian:
// systemtap-sdt-dev) they are nothing.
#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define UDSRPC_HAS_PROBES 1
#endif
#endif

#ifdef UDSRPC_HAS_PROBES
#define UDSRPC_PROBE2(name, a, b) DTRACE_PROBE2(udsrpc, name, a, b)
#define UDSRPC_PROBE4(name, a, b, c, d) DTRACE_PROBE4(udsrpc, name, a, b, c, d)
#else
#define UDSRPC_PROBE2(name, a, b) static_cast<void>(0)
#define UDSRPC_PROBE4(name, a, b, c, d) static_cast<void>(0)
#endif

#endif  // UDSRPC_COMMON_PROBES_H_
