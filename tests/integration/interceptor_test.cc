#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "udsrpc/client_interceptor.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server_interceptor.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What the interceptors of both sides have seen, in order.
class Log {
 public:
  void Add(std::string line) {
    internal::MutexLock lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> Take() {
    internal::MutexLock lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  internal::Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

std::string Text(const google::protobuf::MessageLite& message) {
  if (const auto* request = dynamic_cast<const EchoRequest*>(&message)) return request->text();
  if (const auto* reply = dynamic_cast<const EchoReply*>(&message)) return reply->text();
  return message.GetTypeName();
}

class ClientRecorder final : public ClientInterceptor {
 public:
  ClientRecorder(Log& log, std::string name, absl::Status answer)
      : log_(log), name_(std::move(name)), answer_(std::move(answer)) {}

  absl::Status OnStart(ClientContext&, Metadata& metadata) override {
    log_.Add(name_ + " start");
    EXPECT_TRUE(metadata.Add("from", name_).ok());
    return answer_;
  }
  void OnSend(const google::protobuf::MessageLite& message) override { log_.Add(name_ + " send " + Text(message)); }
  void OnReceive(const google::protobuf::MessageLite& message) override {
    log_.Add(name_ + " receive " + Text(message));
  }
  void OnFinish(const ClientContext&, const absl::Status& status) override {
    log_.Add(absl::StrCat(name_, " finish ", absl::StatusCodeToString(status.code())));
  }

 private:
  Log& log_;
  const std::string name_;
  const absl::Status answer_;
};

class ServerRecorder final : public ServerInterceptor {
 public:
  ServerRecorder(Log& log, std::string name, absl::Status answer)
      : log_(log), name_(std::move(name)), answer_(std::move(answer)) {}

  absl::Status OnStart(ServerContext& context, Metadata& metadata) override {
    log_.Add(name_ + " start");
    EXPECT_TRUE(metadata.Add("seen-by", name_).ok());
    EXPECT_TRUE(context.AddTrailingMetadata("seen-by", name_).ok());
    return answer_;
  }
  void OnReceive(const google::protobuf::MessageLite& message) override {
    log_.Add(name_ + " receive " + Text(message));
  }
  void OnSend(const google::protobuf::MessageLite& message) override { log_.Add(name_ + " send " + Text(message)); }
  void OnFinish(ServerContext&, const absl::Status& status) override {
    log_.Add(absl::StrCat(name_, " finish ", absl::StatusCodeToString(status.code())));
  }

 private:
  Log& log_;
  const std::string name_;
  const absl::Status answer_;
};

class InterceptorTest : public CombinationTest {
 protected:
  ClientInterceptorFactory Client(std::string name, absl::Status answer = {}) {
    return [this, name, answer](const MethodDescriptor&) {
      return std::make_unique<ClientRecorder>(client_log_, name, answer);
    };
  }
  ServerInterceptorFactory OnServer(std::string name, absl::Status answer = {}) {
    return [this, name, answer](const MethodDescriptor&) {
      return std::make_unique<ServerRecorder>(server_log_, name, answer);
    };
  }
  TestStub Stub(std::vector<ClientInterceptorFactory> interceptors) {
    return TestStub(MakeChannel({.interceptors = std::move(interceptors)}));
  }

  Log client_log_;
  Log server_log_;
};

TEST_P(InterceptorTest, TheFirstIsOutermostOnBothSides) {
  StartServer({.interceptors = {OnServer("A"), OnServer("B")}});
  ExpectEcho(Stub({Client("a"), Client("b")}), "hi");
  EXPECT_THAT(client_log_.Take(), ElementsAre("a start", "b start", "a send hi", "b send hi", "b receive hi",
                                              "a receive hi", "b finish OK", "a finish OK"));
  EXPECT_THAT(server_log_.Take(), ElementsAre("A start", "B start", "A receive hi", "B receive hi", "B send hi",
                                              "A send hi", "B finish OK", "A finish OK"));
}

TEST_P(InterceptorTest, SeeTheMessagesOfStreams) {
  StartServer({.interceptors = {OnServer("A")}});
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  auto chat = Stub({Client("a")}).Chat(context);
  EchoRequest request;
  EchoReply reply;
  for (const char* text : {"one", "two"}) {
    request.set_text(text);
    EXPECT_TRUE(chat.Write(request));
    EXPECT_TRUE(chat.Read(reply));
  }
  chat.WritesDone();
  EXPECT_FALSE(chat.Read(reply));
  EXPECT_EQ(chat.Finish(), absl::OkStatus());
  EXPECT_THAT(client_log_.Take(),
              ElementsAre("a start", "a send one", "a receive one", "a send two", "a receive two", "a finish OK"));
  EXPECT_THAT(server_log_.Take(),
              ElementsAre("A start", "A receive one", "A send one", "A receive two", "A send two", "A finish OK"));
}

TEST_P(InterceptorTest, ChangeMetadata) {
  StartServer({.interceptors = {OnServer("A")}});
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  LookReply reply;
  EXPECT_EQ(Stub({Client("a"), Client("b")}).Look(context, LookRequest(), reply), absl::OkStatus());
  std::vector<std::string> seen;
  for (const Pair& pair : reply.metadata()) seen.push_back(pair.key() + "=" + pair.value());
  EXPECT_THAT(seen, ElementsAre("from=a", "from=b", "seen-by=A"));
  ASSERT_EQ(context.server_trailing_metadata().size(), 1U);
}

TEST_P(InterceptorTest, OfTheClientMayRefuseACallBeforeItIsSent) {
  StartServer({.interceptors = {OnServer("A")}});
  const TestStub stub = Stub({Client("a"), Client("b", absl::PermissionDeniedError("not you")), Client("c")});
  EXPECT_EQ(TryEcho(stub), absl::PermissionDeniedError("not you"));
  EXPECT_THAT(client_log_.Take(),
              ElementsAre("a start", "b start", "b finish PERMISSION_DENIED", "a finish PERMISSION_DENIED"));
  ClientContext context;
  auto chat = stub.Chat(context);
  EXPECT_FALSE(chat.Write(EchoRequest()));
  EXPECT_EQ(chat.Finish(), absl::PermissionDeniedError("not you"));
  EXPECT_THAT(server_log_.Take(), IsEmpty());
}

TEST_P(InterceptorTest, OfTheServerMayRefuseACallBeforeItsHandlerRuns) {
  StartServer({.interceptors = {OnServer("A"), OnServer("B", absl::UnauthenticatedError("who?")), OnServer("C")}});
  const TestStub stub = Stub({});
  EXPECT_EQ(TryEcho(stub), absl::UnauthenticatedError("who?"));
  EXPECT_THAT(server_log_.Take(),
              ElementsAre("A start", "B start", "B finish UNAUTHENTICATED", "A finish UNAUTHENTICATED"));
  EXPECT_EQ(service_.echoes(), 0);
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  EXPECT_EQ(stub.Count(context, InflateRequest()).Finish(), absl::UnauthenticatedError("who?"));
}

TEST_P(InterceptorTest, SeeAStreamThatIsDestroyedAsCancelled) {
  StartServer();
  {
    ClientContext context;
    auto chat = Stub({Client("a")}).Chat(context);
  }
  EXPECT_THAT(client_log_.Take(), ElementsAre("a start", "a finish CANCELLED"));
}

TEST_P(InterceptorTest, MayLeaveCallsAlone) {
  StartServer({.interceptors = {[](const MethodDescriptor&) { return nullptr; }, OnServer("A")}});
  ExpectEcho(Stub({[](const MethodDescriptor&) { return nullptr; }}), "hi");
  EXPECT_EQ(server_log_.Take().size(), 4U);
}

INSTANTIATE_TEST_SUITE_P(All, InterceptorTest, AllCombinations(), CombinationName);

}  // namespace
}  // namespace udsrpc::testing
