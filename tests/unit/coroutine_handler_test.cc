// Handlers that are coroutines, without a transport.

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "server/src/dispatch.h"
#include "tests/unit/fake_server_call.h"
#include "udsrpc/wait.h"
#include "udsrpc/when.h"

namespace udsrpc {
namespace {

using google::protobuf::StringValue;
using testing::FakeServerCall;

// Counts what is alive of a handler.
struct Alive {
  explicit Alive(int& count) : count_(count) { ++count_; }
  ~Alive() { --count_; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  int& count_;
};

class CoroutineService : public Service {
 public:
  CoroutineService() : Service("p.Co") {
    using S = CoroutineService;
    AddMethod(ServerMethod::Unary("/p.Co/Say", this, &S::Say, &S::SayAsync));
    AddMethod(ServerMethod::ServerStreaming("/p.Co/Many", this, &S::Many, &S::ManyAsync));
    AddMethod(ServerMethod::ClientStreaming("/p.Co/Join", this, &S::Join, &S::JoinAsync));
    AddMethod(ServerMethod::BidiStreaming("/p.Co/Chat", this, &S::Chat, &S::ChatAsync));
  }

  int alive = 0;
  int alive_at_finish = 0;

 private:
  absl::Status Say(ServerContext&, const StringValue& request, StringValue& response) {
    response.set_value("no coroutine: " + request.value());
    return absl::OkStatus();
  }
  absl::Status Many(ServerContext&, const StringValue&, ServerWriter<StringValue>&) { return absl::AbortedError(""); }
  absl::Status Join(ServerContext&, ServerReader<StringValue>&, StringValue&) { return absl::AbortedError(""); }
  absl::Status Chat(ServerContext&, ServerReaderWriter<StringValue, StringValue>&) { return absl::AbortedError(""); }

  Task<absl::Status> SayAsync(ServerContext& context, const StringValue& request, StringValue& response) {
    if (request.value() == "plain") return {};
    if (request.value() == "throw before") throw std::runtime_error("boom");
    return Answer(context, request, response);
  }
  Task<absl::Status> Answer(ServerContext&, const StringValue& request, StringValue& response) {
    const Alive here(alive);
    if (request.value() == "throw") throw std::runtime_error("boom");
    if (request.value() == "fail") co_return absl::NotFoundError("none");
    if (request.value() == "wait") {
      co_await Cancelled();
      co_return absl::CancelledError("waited");
    }
    response.set_value(request.value() + "!");
    co_return absl::OkStatus();
  }
  Task<absl::Status> ManyAsync(ServerContext&, const StringValue& request, AsyncServerWriter<StringValue> writer) {
    StringValue message;
    for (const char c : request.value()) {
      message.set_value(std::string(1, c));
      co_await writer.Write(message);
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> JoinAsync(ServerContext&, AsyncServerReader<StringValue> reader, StringValue& response) {
    const Alive here(alive);
    while (const std::optional<StringValue> part = co_await reader.Read()) {
      response.set_value(response.value() + part->value());
    }
    co_return absl::OkStatus();
  }
  // Echoes until nothing comes for a moment.
  Task<absl::Status> ChatAsync(ServerContext&, AsyncServerReaderWriter<StringValue, StringValue> stream) {
    for (;;) {
      std::vector<Task<std::optional<StringValue>>> both;
      both.push_back(ReadNext(stream));
      both.push_back(Expire());
      const Finished<std::optional<StringValue>> first = co_await WhenAny(std::move(both));
      if (!first.value) co_return absl::OkStatus();
      co_await stream.Write(*first.value);
    }
  }
  static Task<std::optional<StringValue>> ReadNext(AsyncServerReaderWriter<StringValue, StringValue> stream) {
    co_return co_await stream.Read();
  }
  static Task<std::optional<StringValue>> Expire() {
    co_await Sleep(absl::Hours(1));
    co_return std::nullopt;
  }
};

FakeServerCall CallWith(const std::string& text) {
  StringValue request;
  request.set_value(text);
  return FakeServerCall(request.SerializeAsString());
}

class CoroutineHandlerTest : public ::testing::Test {
 protected:
  CoroutineHandlerTest() { EXPECT_TRUE(table_.Add(service_).ok()); }
  void Begin(absl::string_view path, FakeServerCall& call) { Dispatch(table_, *table_.Find(path), call); }

  CoroutineService service_;
  MethodTable table_;
};

TEST_F(CoroutineHandlerTest, OneThatNeverWaitsAnswersAtOnce) {
  FakeServerCall call = CallWith("hi");
  Begin("/p.Co/Say", call);
  EXPECT_EQ(call.kept, 1);
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.reply, "hi!");
}

TEST_F(CoroutineHandlerTest, WithoutATaskTheOtherHandlerServes) {
  FakeServerCall call = CallWith("plain");
  Begin("/p.Co/Say", call);
  EXPECT_EQ(call.kept, 0);
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.reply, "no coroutine: plain");
}

TEST_F(CoroutineHandlerTest, PassesFailuresAndExceptionsOn) {
  FakeServerCall fails = CallWith("fail");
  Begin("/p.Co/Say", fails);
  EXPECT_EQ(fails.status, absl::NotFoundError("none"));
  for (const char* text : {"throw", "throw before"}) {
    FakeServerCall throws = CallWith(text);
    Begin("/p.Co/Say", throws);
    EXPECT_EQ(throws.finished, 1);
    EXPECT_EQ(throws.status.code(), absl::StatusCode::kUnknown);
    EXPECT_NE(throws.status.message().find("boom"), absl::string_view::npos) << throws.status;
  }
  EXPECT_EQ(service_.alive, 0);
}

TEST_F(CoroutineHandlerTest, IsCancelledWithItsCall) {
  FakeServerCall call = CallWith("wait");
  Begin("/p.Co/Say", call);
  EXPECT_EQ(call.finished, 0);
  EXPECT_EQ(service_.alive, 1);
  call.context().cancellation().Cancel();
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.status, absl::CancelledError("waited"));
  EXPECT_EQ(service_.alive, 0);
}

TEST_F(CoroutineHandlerTest, ReadsWhatComesLater) {
  FakeServerCall call("");
  Begin("/p.Co/Join", call);
  EXPECT_EQ(call.finished, 0);
  call.async->Arrive("a");
  call.async->Arrive("b");
  EXPECT_EQ(call.finished, 0);
  EXPECT_EQ(service_.alive, 1);
  call.async->End();
  EXPECT_EQ(call.finished, 1);
  EXPECT_EQ(call.reply, "ab");
  EXPECT_EQ(service_.alive, 0);
}

TEST_F(CoroutineHandlerTest, WritesAStream) {
  FakeServerCall call = CallWith("abc");
  Begin("/p.Co/Many", call);
  EXPECT_EQ(call.async->outgoing, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(call.status.ok());
}

TEST_F(CoroutineHandlerTest, WaitsForWhatComesFirst) {
  FakeServerCall call("");
  Begin("/p.Co/Chat", call);
  call.async->Arrive("a");
  call.async->Arrive("b");
  EXPECT_EQ(call.async->outgoing, (std::vector<std::string>{"a", "b"}));
  call.context().cancellation().Cancel();
  EXPECT_EQ(call.finished, 1);
}

}  // namespace
}  // namespace udsrpc
