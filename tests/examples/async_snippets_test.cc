// The snippets of docs/ASYNC.md, and that they do what the page says.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "helloworld/greeter.udsrpc.pb.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/async_client.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"
#include "udsrpc/spawn.h"
#include "udsrpc/wait.h"
#include "udsrpc/when.h"

namespace udsrpc::testing {
namespace {

using helloworld::GreeterStub;
using helloworld::HelloReply;
using helloworld::HelloRequest;
using helloworld::Item;
using helloworld::ListRequest;
using helloworld::Note;
using helloworld::Point;
using helloworld::Summary;

namespace blocking {

// README: blocking_client
absl::StatusOr<std::string> Greet(const GreeterStub& stub, const std::string& name) {
  ClientContext context;
  HelloRequest request;
  HelloReply reply;
  request.set_name(name);
  const absl::Status status = stub.SayHello(context, request, reply);
  if (!status.ok()) return status;
  return reply.message();
}
// README: end

}  // namespace blocking

namespace callbacks {

// README: callback_client
// Lives until its call has ended.
struct Greeting {
  ClientContext context;
  HelloRequest request;
  HelloReply reply;
};

void Greet(const GreeterStub& stub, const std::string& name,
           absl::AnyInvocable<void(absl::StatusOr<std::string>) &&> done) {
  auto greeting = std::make_shared<Greeting>();
  greeting->request.set_name(name);
  stub.Async().SayHello(greeting->context, greeting->request, greeting->reply,
                        [greeting, done = std::move(done)](absl::Status status) mutable {
                          if (!status.ok()) return std::move(done)(status);
                          std::move(done)(greeting->reply.message());
                        });
}
// README: end

}  // namespace callbacks

// README: coroutine_client
Task<absl::StatusOr<std::string>> Greet(GreeterStub stub, std::string name) {
  ClientContext context;
  HelloRequest request;
  request.set_name(name);
  const absl::StatusOr<HelloReply> reply = co_await stub.Async().SayHello(context, request);
  if (!reply.ok()) co_return reply.status();
  co_return reply->message();
}
// README: end

// README: coroutine_begin
// From a thread that may block:
absl::StatusOr<std::string> GreetAndWait(const GreeterStub& stub) { return SyncWait(Greet(stub, "world")); }

// From one that may not, or for a task that may be cancelled:
void GreetLater(const GreeterStub& stub, Cancellation& cancellation, Event& greeted) {
  Spawn(
      Greet(stub, "world"), [&greeted](absl::StatusOr<std::string> /*text*/) { greeted.Happen(); }, &cancellation);
}
// README: end

class Greeter : public helloworld::GreeterService {
  // README: handlers
  // Occupies a thread until it returns:
  absl::Status SayHello(ServerContext& /*context*/, const HelloRequest& request, HelloReply& reply) override {
    reply.set_message(absl::StrCat("Hello, ", request.name(), "!"));
    return absl::OkStatus();
  }

  // On no thread while it waits:
  Task<absl::Status> ListAsync(ServerContext& /*context*/, const ListRequest& request,
                               AsyncServerWriter<Item> writer) override {
    Item item;
    for (int i = 1; i <= request.count(); ++i) {
      item.set_number(i);
      const bool written = co_await writer.Write(item);
      if (!written) break;  // nobody reads it any more
    }
    co_return absl::OkStatus();
  }
  // README: end

  Task<absl::Status> RecordAsync(ServerContext& /*context*/, AsyncServerReader<Point> reader,
                                 Summary& summary) override {
    while (const std::optional<Point> point = co_await reader.Read()) summary.set_points(summary.points() + 1);
    co_return absl::OkStatus();
  }

  // README: idle
  // Echoes notes, until none comes for a second.
  Task<absl::Status> ChatAsync(ServerContext& /*context*/, AsyncServerReaderWriter<Note, Note> stream) override {
    for (;;) {
      std::vector<Task<std::optional<Note>>> either;
      either.push_back(ReadNote(stream));
      either.push_back(Expire(absl::Seconds(1)));
      const Finished<std::optional<Note>> first = co_await WhenAny(std::move(either));
      if (!first.value) co_return absl::OkStatus();
      co_await stream.Write(*first.value);
    }
  }
  static Task<std::optional<Note>> ReadNote(AsyncServerReaderWriter<Note, Note> stream) {
    co_return co_await stream.Read();
  }
  static Task<std::optional<Note>> Expire(absl::Duration patience) {
    co_await Sleep(patience);
    co_return std::nullopt;
  }
  // README: end
};

// README: stream_client
Task<absl::StatusOr<int>> Sum(GreeterStub stub, int count) {
  ClientContext context;
  ListRequest request;
  request.set_count(count);
  AsyncClientReader<Item> reader = stub.Async().List(context, request);
  int sum = 0;
  while (const std::optional<Item> item = co_await reader.Read()) sum += item->number();
  const absl::Status status = co_await reader.Finish();  // why there are no more
  if (!status.ok()) co_return status;
  co_return sum;
}
// README: end

// README: all
Task<std::string> GreetBoth(GreeterStub stub) {
  const auto [a, b] = co_await WhenAll(Greet(stub, "Ann"), Greet(stub, "Bob"));
  if (!a.ok() || !b.ok()) co_return "one of them is not there";
  co_return absl::StrCat(*a, " ", *b);
}
// README: end

// Runs a channel's completions where its owner says.
class Loop {
 public:
  Executor executor() {
    return [this](absl::AnyInvocable<void() &&> task) {
      const std::lock_guard<std::mutex> lock(mutex_);
      tasks_.push_back(std::move(task));
      changed_.notify_one();
    };
  }
  void RunOne() {
    absl::AnyInvocable<void() &&> task;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      while (tasks_.empty()) changed_.wait(lock);
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    std::move(task)();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<absl::AnyInvocable<void() &&>> tasks_;
};

class AsyncSnippetsTest : public ::testing::TestWithParam<Transport> {
 protected:
  AsyncSnippetsTest() : endpoint_(absl::StrCat("unix:", dir_.File("s"))) {
    absl::StatusOr<std::unique_ptr<Server>> server =
        ServerBuilder().AddEndpoint(endpoint_).RegisterService(&greeter_).Start();
    EXPECT_TRUE(server.ok()) << server.status();
    if (server.ok()) server_ = *std::move(server);
  }

  GreeterStub MakeStub(Executor executor = nullptr) const {
    return GreeterStub(*CreateChannel(endpoint_, {.transport = GetParam(), .executor = std::move(executor)}));
  }

  TempDir dir_;
  const std::string endpoint_;
  Greeter greeter_;
  std::unique_ptr<Server> server_;
};
INSTANTIATE_TEST_SUITE_P(All, AsyncSnippetsTest, ::testing::Values(Transport::kGrpc, Transport::kSeqpacket),
                         [](const auto& info) { return std::string(TransportName(info.param)); });

TEST_P(AsyncSnippetsTest, TheThreeFacesOfACall) {
  const GreeterStub stub = MakeStub();
  EXPECT_EQ(blocking::Greet(stub, "world").value_or(""), "Hello, world!");
  Event greeted;
  callbacks::Greet(stub, "world", [&greeted](absl::StatusOr<std::string> text) {
    EXPECT_EQ(text.value_or(""), "Hello, world!");
    greeted.Happen();
  });
  EXPECT_TRUE(greeted.Await());
  EXPECT_EQ(GreetAndWait(stub).value_or(""), "Hello, world!");
  Cancellation cancellation;
  GreetLater(stub, cancellation, greeted);
  EXPECT_TRUE(greeted.Await(2));
}

TEST_P(AsyncSnippetsTest, Streams) {
  const GreeterStub stub = MakeStub();
  EXPECT_EQ(SyncWait(Sum(stub, 100)).value_or(0), 5050);
}

Task<> TalkAndFallSilent(GreeterStub stub) {
  ClientContext context;
  auto chat = stub.Async().Chat(context);
  Note note;
  for (int i = 0; i < 3; ++i) {
    note.set_text(absl::StrCat(i));
    EXPECT_TRUE(co_await chat.Write(note));
    const std::optional<Note> echo = co_await chat.Read();
    EXPECT_TRUE(echo && echo->text() == note.text());
  }
  EXPECT_FALSE((co_await chat.Read()).has_value());
  const absl::Status status = co_await chat.Finish();
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(AsyncSnippetsTest, SeveralAtOnce) {
  const GreeterStub stub = MakeStub();
  EXPECT_EQ(SyncWait(GreetBoth(stub)), "Hello, Ann! Hello, Bob!");
  SyncWait(TalkAndFallSilent(stub));
}

TEST_P(AsyncSnippetsTest, TheExecutorRunsWhatFollowsACall) {
  Loop loop;
  const GreeterStub stub = MakeStub(loop.executor());
  bool greeted = false;
  Spawn(Greet(stub, "world"), [&greeted](absl::StatusOr<std::string> text) { greeted = text.ok(); });
  loop.RunOne();
  EXPECT_TRUE(greeted);
}

}  // namespace
}  // namespace udsrpc::testing
