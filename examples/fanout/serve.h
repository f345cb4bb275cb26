#ifndef FANOUT_SERVE_H_
#define FANOUT_SERVE_H_

#include "udsrpc/service.h"

// What both servers' mains end with: serves `service` at `endpoint` until the program gets SIGINT or SIGTERM. Call it
// before any thread is started. Returns the exit code; messages begin with `program`.
int Serve(const char* program, const char* endpoint, udsrpc::Service& service);

#endif  // FANOUT_SERVE_H_
