#include "server/src/dispatch.h"

#include <stdexcept>
#include <string>

#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"

namespace udsrpc {
namespace {

using google::protobuf::StringValue;

class EchoService : public Service {
 public:
  EchoService() : Service("p.Echo") {
    AddMethod(ServerMethod::Unary("/p.Echo/Say", this, &EchoService::Say));
    AddMethod(ServerMethod::ServerStreaming("/p.Echo/Many", this, &EchoService::Many));
  }

 private:
  absl::Status Say(ServerContext&, const StringValue& request, StringValue& response) {
    if (request.value() == "throw") throw std::runtime_error("boom");
    if (request.value() == "throw 1") throw 1;
    if (request.value() == "fail") return absl::NotFoundError("none");
    response.set_value(request.value() + "!");
    return absl::OkStatus();
  }
  absl::Status Many(ServerContext&, const StringValue&, ServerWriter<StringValue>&) { return absl::OkStatus(); }
};

class FakeCall final : public ServerCall, private ServerContext {
 public:
  explicit FakeCall(std::string request_bytes) : request_bytes_(std::move(request_bytes)) {}

  int finished = 0;
  absl::Status status;
  std::string reply;

  ServerContext& context() override { return *this; }
  bool ParseRequest(google::protobuf::MessageLite& request) override { return request.ParseFromString(request_bytes_); }
  void Finish(const absl::Status& s, const google::protobuf::MessageLite* response) override {
    ++finished;
    status = s;
    EXPECT_EQ(response != nullptr, s.ok());
    if (response != nullptr) reply = static_cast<const StringValue*>(response)->value();
  }

 private:
  absl::string_view method() const override { return "/p.Echo/Say"; }
  bool IsCancelled() const override { return false; }

  std::string request_bytes_;
};

FakeCall Say(const std::string& text) {
  StringValue request;
  request.set_value(text);
  return FakeCall(request.SerializeAsString());
}

class DispatchTest : public ::testing::Test {
 protected:
  DispatchTest() { EXPECT_TRUE(table_.Add(service_).ok()); }
  const ServerMethod& Method(absl::string_view path) { return *table_.Find(path); }

  EchoService service_;
  MethodTable table_;
};

TEST_F(DispatchTest, FindsMethodsByPathAndSaysWhatIsMissing) {
  ASSERT_NE(table_.Find("/p.Echo/Say"), nullptr);
  for (const absl::string_view path : {"/p.Echo/Nope", "/p.Nope/Say", "p.Echo/Say", "/p.Echo", "/", ""}) {
    EXPECT_EQ(table_.Find(path), nullptr) << path;
    EXPECT_EQ(table_.NotFound(path).code(), absl::StatusCode::kUnimplemented) << path;
  }
  EXPECT_NE(table_.NotFound("/p.Echo/Nope").message().find("no such method"), absl::string_view::npos);
  EXPECT_NE(table_.NotFound("/p.Nope/Say").message().find("does not offer"), absl::string_view::npos);
}

TEST_F(DispatchTest, RefusesTwoServicesOfOneName) {
  EchoService another;
  EXPECT_EQ(table_.Add(another).code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(DispatchTest, RunsTheHandlerAndFinishesOnce) {
  FakeCall call = Say("hi");
  Dispatch(Method("/p.Echo/Say"), call);
  EXPECT_EQ(call.finished, 1);
  EXPECT_TRUE(call.status.ok()) << call.status;
  EXPECT_EQ(call.reply, "hi!");
}

TEST_F(DispatchTest, PassesAFailureOn) {
  FakeCall call = Say("fail");
  Dispatch(Method("/p.Echo/Say"), call);
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.status, absl::NotFoundError("none"));
}

TEST_F(DispatchTest, MakesExceptionsUnknown) {
  FakeCall call = Say("throw");
  Dispatch(Method("/p.Echo/Say"), call);
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.status.code(), absl::StatusCode::kUnknown);
  EXPECT_NE(call.status.message().find("boom"), absl::string_view::npos) << call.status;
  FakeCall other = Say("throw 1");
  Dispatch(Method("/p.Echo/Say"), other);
  EXPECT_EQ(other.status.code(), absl::StatusCode::kUnknown);
}

TEST_F(DispatchTest, AnswersARequestThatDoesNotParseWithInternal) {
  FakeCall call("\xff\xff\xff");
  Dispatch(Method("/p.Echo/Say"), call);
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.status.code(), absl::StatusCode::kInternal);
}

TEST_F(DispatchTest, AnswersStreamsWithUnimplemented) {
  FakeCall call = Say("hi");
  Dispatch(Method("/p.Echo/Many"), call);
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.status.code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace udsrpc
