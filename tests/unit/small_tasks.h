#ifndef UDSRPC_TESTS_UNIT_SMALL_TASKS_H_
#define UDSRPC_TESTS_UNIT_SMALL_TASKS_H_

#include "udsrpc/task.h"

namespace udsrpc {

inline Task<int> Give(int value) { co_return value; }
inline Task<> Nothing() { co_return; }

}  // namespace udsrpc

#endif  // UDSRPC_TESTS_UNIT_SMALL_TASKS_H_
