#include "server/src/dispatch.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "tests/unit/fake_server_call.h"

namespace udsrpc {
namespace {

using google::protobuf::StringValue;
using testing::FakeServerCall;

class EchoService : public Service {
 public:
  EchoService() : Service("p.Echo") {
    AddMethod(ServerMethod::Unary("/p.Echo/Say", this, &EchoService::Say));
    AddMethod(ServerMethod::ServerStreaming("/p.Echo/Many", this, &EchoService::Many));
    AddMethod(ServerMethod::ClientStreaming("/p.Echo/Join", this, &EchoService::Join));
    AddMethod(ServerMethod::BidiStreaming("/p.Echo/Chat", this, &EchoService::Chat));
  }

 private:
  absl::Status Say(ServerContext&, const StringValue& request, StringValue& response) {
    if (request.value() == "throw") throw std::runtime_error("boom");
    if (request.value() == "throw 1") throw 1;
    if (request.value() == "fail") return absl::NotFoundError("none");
    response.set_value(request.value() + "!");
    return absl::OkStatus();
  }
  absl::Status Many(ServerContext&, const StringValue& request, ServerWriter<StringValue>& writer) {
    writer.Write(request);
    return absl::OkStatus();
  }
  absl::Status Join(ServerContext&, ServerReader<StringValue>& reader, StringValue& response) {
    for (StringValue part; reader.Read(part);) response.set_value(response.value() + part.value());
    return absl::OkStatus();
  }
  absl::Status Chat(ServerContext&, ServerReaderWriter<StringValue, StringValue>& stream) {
    for (StringValue message; stream.Read(message);) stream.Write(message);
    throw std::runtime_error("boom");
  }
};

FakeServerCall Say(const std::string& text) {
  StringValue request;
  request.set_value(text);
  return FakeServerCall(request.SerializeAsString());
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
  FakeServerCall call = Say("hi");
  Dispatch(table_, Method("/p.Echo/Say"), call);
  EXPECT_EQ(call.finished, 1);
  EXPECT_TRUE(call.status.ok()) << call.status;
  EXPECT_EQ(call.reply, "hi!");
}

TEST_F(DispatchTest, PassesAFailureOn) {
  FakeServerCall call = Say("fail");
  Dispatch(table_, Method("/p.Echo/Say"), call);
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.status, absl::NotFoundError("none"));
}

TEST_F(DispatchTest, MakesExceptionsUnknown) {
  FakeServerCall call = Say("throw");
  Dispatch(table_, Method("/p.Echo/Say"), call);
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.status.code(), absl::StatusCode::kUnknown);
  EXPECT_NE(call.status.message().find("boom"), absl::string_view::npos) << call.status;
  FakeServerCall other = Say("throw 1");
  Dispatch(table_, Method("/p.Echo/Say"), other);
  EXPECT_EQ(other.status.code(), absl::StatusCode::kUnknown);
}

TEST_F(DispatchTest, AnswersARequestThatDoesNotParseWithInternal) {
  FakeServerCall call("\xff\xff\xff");
  Dispatch(table_, Method("/p.Echo/Say"), call);
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.status.code(), absl::StatusCode::kInternal);
}

TEST_F(DispatchTest, GivesEachKindOfHandlerItsStream) {
  FakeServerCall many = Say("hi");
  Dispatch(table_, Method("/p.Echo/Many"), many);
  EXPECT_EQ(many.outgoing, std::vector<std::string>{"hi"});
  EXPECT_EQ(many.finished, 1);
  EXPECT_TRUE(many.status.ok()) << many.status;

  FakeServerCall join("");
  join.incoming = {"a", "b"};
  Dispatch(table_, Method("/p.Echo/Join"), join);
  EXPECT_EQ(join.reply, "ab");
  EXPECT_EQ(join.finished, 1);

  FakeServerCall chat("");
  chat.incoming = {"a", "b"};
  Dispatch(table_, Method("/p.Echo/Chat"), chat);
  EXPECT_EQ(chat.outgoing, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(chat.finished, 1);
  EXPECT_EQ(chat.status.code(), absl::StatusCode::kUnknown);
}

}  // namespace
}  // namespace udsrpc
