#ifndef UDSRPC_TESTS_STRESS_CALL_TALLY_H_
#define UDSRPC_TESTS_STRESS_CALL_TALLY_H_

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "common/src/wire/block.h"
#include "gtest/gtest.h"
#include "server/src/reused_message.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "tests/support/process_usage.h"
#include "udsrpc/server_interceptor.h"

// What the stress tests look at to see that nothing is left.

namespace udsrpc::testing {

// Counts the calls that a server has begun to handle, and ended.
struct CallTally {
  std::atomic<int64_t> begun{0};
  std::atomic<int64_t> ended{0};

  // It must outlive the server.
  ServerInterceptorFactory Factory() {
    return [this](const MethodDescriptor&) { return std::make_unique<Counting>(*this); };
  }

 private:
  class Counting final : public ServerInterceptor {
   public:
    explicit Counting(CallTally& tally) : tally_(tally) {}
    absl::Status OnStart(ServerContext&, Metadata&) override {
      ++tally_.begun;
      return absl::OkStatus();
    }
    void OnFinish(ServerContext&, const absl::Status&) override { ++tally_.ended; }

   private:
    CallTally& tally_;
  };
};

inline int OpenDescriptors() { return ProcessUsage(getpid()).open_files(); }

// But for what is kept of messages and blocks for the next, whose bounds have tests of their own.
inline int64_t BytesInUse() {
  malloc_trim(0);
  return static_cast<int64_t>(mallinfo2().uordblks) -
         static_cast<int64_t>(ReusedMessage::KeptBytes() + KeptBlockBytes());
}

inline absl::Duration StressLength() {
  const char* seconds = getenv("UDSRPC_STRESS_SECONDS");
  int value;
  return absl::Seconds(seconds != nullptr && absl::SimpleAtoi(seconds, &value) ? value : 1);
}

// In which a call ends that is not hurried: under ThreadSanitizer ten megabytes of one stream take more than a minute
// among a thousand others on two CPUs.
inline constexpr absl::Duration kStressPatience = absl::Minutes(3);

// How a call of the test service may end that is treated at random. `hurried`: its deadline may come before its end.
inline bool MayEndSo(const absl::Status& status, bool hurried) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
      return true;
    case absl::StatusCode::kDeadlineExceeded:
      return hurried;
    default:
      return false;
  }
}

// So much that any credit that was lost would be missed.
inline void ExpectFullSpeed(const TestStub& stub) {
  ClientContext context;
  context.set_timeout(absl::Seconds(60));
  auto chat = stub.Chat(context);
  EchoRequest request;
  EchoReply reply;
  request.set_text(std::string(3 << 20, 'f'));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(chat.Write(request));
    ASSERT_TRUE(chat.Read(reply));
    EXPECT_EQ(reply.text(), request.text());
  }
  chat.WritesDone();
  EXPECT_EQ(chat.Finish(), absl::OkStatus());
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_STRESS_CALL_TALLY_H_
