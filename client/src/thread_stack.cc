#include "client/src/thread_stack.h"

#include <pthread.h>

#include <cstddef>
#include <cstdint>

namespace udsrpc {
namespace {

struct Stack {
  uintptr_t begin = 0;
  uintptr_t end = 0;
};

Stack FindStack() {
  Stack stack;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return stack;
  void* address;
  size_t size;
  if (pthread_attr_getstack(&attributes, &address, &size) == 0) {
    stack.begin = reinterpret_cast<uintptr_t>(address);
    stack.end = stack.begin + size;
  }
  pthread_attr_destroy(&attributes);
  return stack;
}

}  // namespace

bool IsOnThisThreadsStack(const void* object) {
  thread_local const Stack stack = FindStack();
  const auto address = reinterpret_cast<uintptr_t>(object);
  return address >= stack.begin && address < stack.end;
}

}  // namespace udsrpc
