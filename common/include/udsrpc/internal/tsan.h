#ifndef UDSRPC_INTERNAL_TSAN_H_
#define UDSRPC_INTERNAL_TSAN_H_

// Tells ThreadSanitizer of a happens-before edge made inside a library that it did not instrument: what a thread did
// before TsanRelease(p) happens before what another does after TsanAcquire(p). Nothing in other builds. Each use names
// the guarantee of the library that it stands for.

#if defined(__SANITIZE_THREAD__)
#define UDSRPC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UDSRPC_TSAN 1
#endif
#endif

#ifdef UDSRPC_TSAN
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace udsrpc::internal {

inline void TsanAcquire([[maybe_unused]] const void* address) {
#ifdef UDSRPC_TSAN
  __tsan_acquire(const_cast<void*>(address));
#endif
}

inline void TsanRelease([[maybe_unused]] const void* address) {
#ifdef UDSRPC_TSAN
  __tsan_release(const_cast<void*>(address));
#endif
}

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_TSAN_H_
