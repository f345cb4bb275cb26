// Channels of udsrpc to servers in other languages.

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/interop/foreign_peers.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "tests/support/child_process.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/channel.h"

namespace udsrpc::testing {
namespace {

using ::testing::UnorderedElementsAre;

constexpr size_t kMiB = 1 << 20;
constexpr int kCallsAtATime = 200;

// A context whose call does not hang the test.
struct BoundedContext : ClientContext {
  BoundedContext() { set_timeout(kPatience); }
};

EchoRequest Text(std::string text) {
  EchoRequest request;
  request.set_text(std::move(text));
  return request;
}

class Calls {
 public:
  Calls(const std::shared_ptr<Channel>& channel, ChildProcess& server) : stub_(channel), server_(server) {}

  void Echo() {
    for (const size_t size :
         {size_t{0}, size_t{5}, size_t{65'500}, size_t{65'536}, size_t{131'072}, kMiB, 4 * kMiB - 16}) {
      BoundedContext context;
      EchoReply reply;
      ASSERT_EQ(stub_.Echo(context, Text(std::string(size, 'x')), reply), absl::OkStatus()) << size;
      EXPECT_EQ(reply.text().size(), size);
    }
  }

  void TooLongMessages() {
    BoundedContext request_context;
    BoundedContext reply_context;
    EchoReply reply;
    InflateRequest inflate;
    inflate.set_bytes(4 * kMiB + 1);
    EXPECT_EQ(stub_.Echo(request_context, Text(std::string(4 * kMiB + 1, 'x')), reply).code(),
              absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(stub_.Inflate(reply_context, inflate, reply).code(), absl::StatusCode::kResourceExhausted);
  }

  void Statuses() {
    FailRequest request;
    request.set_code(static_cast<int>(absl::StatusCode::kNotFound));
    request.set_message("not here: ü%");
    Pair& payload = *request.add_payloads();
    payload.set_key("type.googleapis.com/x.Y");
    payload.set_value(std::string("\0\xff", 2));
    BoundedContext context;
    EchoReply reply;
    const absl::Status status = stub_.Fail(context, request, reply);
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(status.message(), "not here: ü%");
    EXPECT_EQ(status.GetPayload("type.googleapis.com/x.Y"), absl::Cord(payload.value()));

    BoundedContext throw_context;
    EXPECT_EQ(stub_.Throw(throw_context, Text("thrown on purpose"), reply).code(), absl::StatusCode::kUnknown);
  }

  void MetadataBothWays() {
    const std::string binary("\xff\0", 2);
    LookRequest request;
    Pair& initial = *request.add_initial_metadata();
    initial.set_key("first");
    initial.set_value("a");
    Pair& trailing = *request.add_trailing_metadata();
    trailing.set_key("last-bin");
    trailing.set_value(binary);
    BoundedContext context;
    ASSERT_TRUE(context.AddMetadata("k", "1").ok() && context.AddMetadata("k", "2").ok() &&
                context.AddMetadata("b-bin", binary).ok());
    LookReply reply;
    ASSERT_EQ(stub_.Look(context, request, reply), absl::OkStatus());
    std::vector<std::pair<std::string, std::string>> seen;
    for (const Pair& pair : reply.metadata()) seen.emplace_back(pair.key(), pair.value());
    EXPECT_THAT(seen, UnorderedElementsAre(std::pair("k", "1"), std::pair("k", "2"), std::pair("b-bin", binary)));
    EXPECT_EQ(context.server_initial_metadata().Get("first"), "a");
    EXPECT_EQ(context.server_trailing_metadata().Get("last-bin"), binary);
    EXPECT_GT(reply.remaining_us(), 0);
    EXPECT_LE(reply.remaining_us(), absl::ToInt64Microseconds(kPatience + absl::Seconds(1)));  // gRPC rounds up
  }

  void Deadline() {
    BlockRequest request;
    request.set_gate("deadline");
    ClientContext context;
    context.set_timeout(absl::Milliseconds(100));
    EchoReply reply;
    EXPECT_EQ(stub_.Block(context, request, reply).code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(server_.ReadLine(kPatience), "cancelled deadline");
  }

  void Cancellation() {
    BlockRequest request;
    request.set_gate("cancel");
    BoundedContext context;
    EchoReply reply;
    absl::Status status;
    Event ended;
    stub_.Async().Block(context, request, reply, [&](absl::Status end) {
      status = std::move(end);
      ended.Happen();
    });
    Echo();  // by the end of which the server has had that one, too
    context.Cancel();
    ASSERT_TRUE(ended.Await());
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(server_.ReadLine(kPatience), "cancelled cancel");
  }

  void ServerStreaming() {
    for (const auto& [bytes, messages] :
         {std::pair(size_t{1'000}, 1'000), std::pair(2 * kMiB, 4), std::pair(kMiB, 0)}) {
      InflateRequest request;
      request.set_bytes(bytes);
      request.set_messages(messages);
      BoundedContext context;
      ClientReader<EchoReply> reader = stub_.Count(context, request);
      EchoReply reply;
      int count = 0;
      for (; reader.Read(reply); ++count) ASSERT_EQ(reply.text().size(), bytes);
      EXPECT_EQ(reader.Finish(), absl::OkStatus());
      EXPECT_EQ(count, messages);
    }
  }

  void ClientStreaming() {
    BoundedContext context;
    CollectReply reply;
    ClientWriter<EchoRequest, CollectReply> writer = stub_.Collect(context, reply);
    for (const size_t size : {size_t{0}, size_t{10}, size_t{100'000}, 3 * kMiB}) {
      ASSERT_TRUE(writer.Write(Text(std::string(size, 'x'))));
    }
    EXPECT_EQ(writer.Finish(), absl::OkStatus());
    EXPECT_EQ(reply.messages(), 4);
    EXPECT_EQ(reply.bytes(), 100'010 + 3 * kMiB);
  }

  void Chat() {
    BoundedContext context;
    ClientReaderWriter<EchoRequest, EchoReply> stream = stub_.Chat(context);
    stream.WaitForInitialMetadata();
    EXPECT_EQ(context.server_initial_metadata().Get("chat"), "begins");
    for (const std::string& text : {std::string("a"), std::string(), std::string(300'000, 'b')}) {
      EchoReply reply;
      ASSERT_TRUE(stream.Write(Text(text)) && stream.Read(reply));
      EXPECT_EQ(reply.text(), text);
    }
    EchoReply reply;
    EXPECT_TRUE(stream.WritesDone());
    EXPECT_FALSE(stream.Read(reply));
    EXPECT_EQ(stream.Finish(), absl::OkStatus());

    BoundedContext aborted;
    ClientReaderWriter<EchoRequest, EchoReply> other = stub_.Chat(aborted);
    EXPECT_TRUE(other.Write(Text("abort")));
    EXPECT_FALSE(other.Read(reply));
    EXPECT_EQ(other.Finish().code(), absl::StatusCode::kAborted);
  }

  void ManyAtATime() {
    std::vector<BoundedContext> contexts(kCallsAtATime);
    std::vector<EchoReply> replies(kCallsAtATime);
    Event ended;
    for (int i = 0; i < kCallsAtATime; ++i) {
      stub_.Async().Echo(contexts[i], Text(absl::StrCat(i)), replies[i], [&ended](absl::Status status) {
        EXPECT_TRUE(status.ok()) << status;
        ended.Happen();
      });
    }
    ASSERT_TRUE(ended.Await(kCallsAtATime));
    for (int i = 0; i < kCallsAtATime; ++i) EXPECT_EQ(replies[i].text(), absl::StrCat(i));
  }

  void OthersGoOnBesideASlowReader() {
    InflateRequest request;
    request.set_bytes(1'000);
    request.set_messages(1'000);
    BoundedContext context;
    ClientReader<EchoReply> reader = stub_.Count(context, request);
    EchoReply reply;
    ASSERT_TRUE(reader.Read(reply));
    for (int i = 0; i < 10; ++i) {
      BoundedContext other;
      EchoReply echo;
      EXPECT_EQ(stub_.Echo(other, Text(std::string(10'000, 'x')), echo), absl::OkStatus());
    }
    int count = 1;
    while (reader.Read(reply)) ++count;
    EXPECT_EQ(reader.Finish(), absl::OkStatus());
    EXPECT_EQ(count, 1'000);
  }

  void OthersGoOnBesideASlowServer() {
    BoundedContext context;
    ClientReaderWriter<EchoRequest, EchoReply> stream = stub_.Hold(context);
    EchoReply held;
    ASSERT_TRUE(stream.Read(held));
    std::thread writer([&] {  // until nothing more is taken of it, and then until the call is cancelled
      while (stream.Write(Text(std::string(10'000, 'x')))) {
      }
    });
    for (int i = 0; i < 10; ++i) {
      BoundedContext other;
      EchoReply echo;
      EXPECT_EQ(stub_.Echo(other, Text(std::string(10'000, 'x')), echo), absl::OkStatus());
    }
    context.Cancel();
    writer.join();
    EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kCancelled);
  }

 private:
  const TestStub stub_;
  ChildProcess& server_;
};

void MakeCalls(const std::shared_ptr<Channel>& channel, ChildProcess& server) {
  Calls calls(channel, server);
  const std::pair<const char*, void (Calls::*)()> scenarios[] = {
      {"Echo", &Calls::Echo},
      {"TooLongMessages", &Calls::TooLongMessages},
      {"Statuses", &Calls::Statuses},
      {"MetadataBothWays", &Calls::MetadataBothWays},
      {"Deadline", &Calls::Deadline},
      {"Cancellation", &Calls::Cancellation},
      {"ServerStreaming", &Calls::ServerStreaming},
      {"ClientStreaming", &Calls::ClientStreaming},
      {"Chat", &Calls::Chat},
      {"ManyAtATime", &Calls::ManyAtATime},
      {"OthersGoOnBesideASlowReader", &Calls::OthersGoOnBesideASlowReader},
      {"OthersGoOnBesideASlowServer", &Calls::OthersGoOnBesideASlowServer},
  };
  for (const auto& [name, run] : scenarios) {
    SCOPED_TRACE(name);
    (calls.*run)();
  }
}

// Calls that begin then fail.
void End(const TestStub& stub, ChildProcess& server) {
  server.CloseInput();
  ASSERT_EQ(server.ReadLine(kPatience), "draining");
  BoundedContext late;
  EchoReply reply;
  EXPECT_EQ(stub.Echo(late, Text("late"), reply).code(), absl::StatusCode::kUnavailable);
}

// A stream that is open when the server is told to end goes on to its end.
void EndBesideAStream(const TestStub& stub, ChildProcess& server) {
  BoundedContext context;
  ClientReaderWriter<EchoRequest, EchoReply> stream = stub.Chat(context);
  EchoReply reply;
  ASSERT_TRUE(stream.Write(Text("before")) && stream.Read(reply));
  End(stub, server);
  EXPECT_TRUE(stream.Write(Text(std::string(300'000, 'x'))) && stream.Read(reply));
  EXPECT_EQ(reply.text().size(), 300'000);
  EXPECT_TRUE(stream.WritesDone());
  EXPECT_FALSE(stream.Read(reply));
  EXPECT_EQ(stream.Finish(), absl::OkStatus());
}

}  // namespace

void CheckForeignServer(const ForeignServer& server) {
  const TempDir dir;
  std::vector<std::string> endpoints = {absl::StrCat("unix:", dir.File("s"))};
  if (server.abstract_names)
    endpoints.push_back(absl::StrCat("unix-abstract:udsrpc.test.", server.name, ".", getpid()));
  std::vector<std::string> command = server.command;
  command.insert(command.end(), endpoints.begin(), endpoints.end());
  ChildProcess program(command);
  ASSERT_EQ(program.ReadLine(kPatience), "ready");
  std::vector<std::shared_ptr<Channel>> channels;
  for (const std::string& endpoint : endpoints) {
    SCOPED_TRACE(endpoint);
    auto channel = CreateChannel(endpoint, {.transport = server.transport});
    ASSERT_TRUE(channel.ok()) << channel.status();
    MakeCalls(*channel, program);
    channels.push_back(*std::move(channel));
  }
  const TestStub stub(channels.front());
  server.drains ? EndBesideAStream(stub, program) : End(stub, program);
  EXPECT_EQ(program.ReadLine(kPatience), "done");
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_TRUE(dir.IsEmpty());
}

}  // namespace udsrpc::testing
