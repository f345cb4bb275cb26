#ifndef UDSRPC_TESTS_SUPPORT_THREAD_SANITIZER_H_
#define UDSRPC_TESTS_SUPPORT_THREAD_SANITIZER_H_

namespace udsrpc::testing {

// Whether this is built with it. GCC and clang say so each in its way.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadSanitizer = true;
#elif defined(__has_feature)
inline constexpr bool kThreadSanitizer = __has_feature(thread_sanitizer);
#else
inline constexpr bool kThreadSanitizer = false;
#endif

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_THREAD_SANITIZER_H_
