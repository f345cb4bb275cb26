#ifndef UDSRPC_TESTS_HOSTILE_BYSTANDER_H_
#define UDSRPC_TESTS_HOSTILE_BYSTANDER_H_

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {

// A client that does no harm, and that calls all the while what others attack: over both transports in turn, mostly on
// connections that it has had from the beginning, and now and then on a new one. Each of its calls is to be OK.
class Bystander {
 public:
  explicit Bystander(std::string target);
  ~Bystander();

  void Start();
  // Goes on until it has made `calls` since the last Start, for 60 s at most, and then stops.
  void Stop(int calls);

  // Since the last Start.
  struct Seen {
    int calls = 0;
    absl::Duration median;
    absl::Duration longest;
  };
  Seen seen() const;

 private:
  void Run();
  void CallOnce(const TestStub& stub, const char* how);
  TestStub NewStub(Transport transport) const;

  const std::string target_;
  const std::vector<TestStub> stubs_;
  std::thread thread_;
  mutable internal::Mutex mutex_;
  internal::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<absl::Duration> latencies_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_HOSTILE_BYSTANDER_H_
