#ifndef UDSRPC_TESTS_INTEGRATION_ASYNC_CALL_H_
#define UDSRPC_TESTS_INTEGRATION_ASYNC_CALL_H_

#include <string>
#include <thread>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "tests/support/event.h"
#include "tests/support/test_service.h"
#include "udsrpc/async_client.h"
#include "udsrpc/task.h"

namespace udsrpc::testing {

// A unary call with all that must outlive it, and what came of it.
struct Call {
  explicit Call(const std::string& text = "") {
    context.set_timeout(kPatience);
    request.set_text(text);
  }

  AsyncUnaryCall::Done Done() {
    return [this](absl::Status result) {
      code = result.code();
      thread = std::this_thread::get_id();
      done.Happen();
    };
  }
  absl::StatusCode Await() {
    EXPECT_TRUE(done.Await());
    return code;
  }

  ClientContext context;
  EchoRequest request;
  EchoReply reply;
  absl::StatusCode code = absl::StatusCode::kDoNotUseReservedForFutureExpansionUseDefaultInSwitchInstead_;
  std::thread::id thread;
  Event done;
};

inline BlockRequest AtGate(const std::string& gate) {
  BlockRequest request;
  request.set_gate(gate);
  return request;
}

inline Task<int> CountMessages(const TestStub& stub, int messages, int bytes) {
  ClientContext context;
  context.set_timeout(kPatience);
  InflateRequest request;
  request.set_messages(messages);
  request.set_bytes(bytes);
  AsyncClientReader<EchoReply> reader = stub.Async().Count(context, request);
  int count = 0;
  while (const std::optional<EchoReply> reply = co_await reader.Read()) {
    if (reply->text().size() == static_cast<size_t>(bytes)) ++count;
  }
  const absl::Status status = co_await reader.Finish();
  EXPECT_TRUE(status.ok()) << status;
  co_return count;
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_INTEGRATION_ASYNC_CALL_H_
