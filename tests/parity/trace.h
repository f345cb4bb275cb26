#ifndef UDSRPC_TESTS_PARITY_TRACE_H_
#define UDSRPC_TESTS_PARITY_TRACE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "parity.pb.h"
#include "tests/parity/outcome.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::parity {

// What one side of a scenario observed: lines in their order, on tracks, between which there is no order. Thread-safe.
class Trace {
 public:
  void Add(const std::string& track, const std::string& line);

  // What the calling thread has done comes before what others do that call this, or add a line, later. Through gRPC it
  // does in any case, but ThreadSanitizer does not see that.
  void Order() { internal::MutexLock lock(mutex_); }

  // Track by track, sorted by name.
  std::string Text() const;

 private:
  mutable internal::Mutex mutex_;
  std::map<std::string, std::vector<std::string>> tracks_ ABSL_GUARDED_BY(mutex_);
};

// Texts for lines. Two texts are equal where the values are, but for bodies of more than 40 bytes, which are hashed.
std::string Describe(const std::string& bytes);
std::string Describe(const Note& note);
std::string Describe(const Entries& entries);
std::string Describe(const Outcome& outcome);
const char* TrueOrFalse(bool value);

Note NoteOf(const std::string& body);

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_TRACE_H_
