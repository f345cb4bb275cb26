#include "tests/faults/scenario.h"

#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace udsrpc::testing {

bool ScenarioRun::Expect(const absl::Status& status, absl::StatusCode expected, const std::string& endpoint) {
  if (status.code() == expected) return true;
  if (!fault_.has_value()) {
    ADD_FAILURE() << "without a fault: " << status;
    return false;
  }
  EXPECT_FALSE(fault_->passes()) << "nobody should have noticed: " << status;
  const bool may_be = absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
                      // What was attached is gone, or a connection's end is not what it should be.
                      absl::IsPermissionDenied(status) || absl::IsInternal(status);
  EXPECT_TRUE(may_be) << status;
  const absl::string_view message = status.message();
  const bool says = absl::StrContains(message, "/udsrpc.testing.Test/") ||
                    absl::StrContains(message, world_.target()) ||
                    (!endpoint.empty() && absl::StrContains(message, endpoint)) ||
                    // The gRPC library's own words.
                    world_.options().transport == Transport::kGrpc;
  EXPECT_TRUE(says) << "of what? " << status;
  return false;
}

bool ScenarioRun::ExpectMade(const absl::Status& status, const std::string& name) {
  if (status.ok()) return true;
  EXPECT_TRUE(fault_.has_value()) << status;
  if (!fault_.has_value()) return false;
  const bool says = absl::StrContains(status.message(), name) ||
                    absl::StrContains(status.message(), std::generic_category().message(fault_->error)) ||
                    (fault_->call == SystemCall::kThread && absl::StrContains(status.message(), "thread"));
  EXPECT_TRUE(says) << "of what, and why? " << status;
  return false;
}

void ScenarioRun::Echo(const TestStub& stub, const std::string& text) {
  ClientContext context;
  context.set_timeout(kCallBound);
  EchoReply reply;
  if (Expect(stub.Echo(context, EchoText(text), reply))) {
    EXPECT_EQ(reply.text(), text);
  }
}

}  // namespace udsrpc::testing
