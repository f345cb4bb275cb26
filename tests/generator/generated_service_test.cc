// What a generated service registers, run through the methods as a server runs them.

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "helloworld/greeter.udsrpc.pb.h"
#include "no_package.udsrpc.pb.h"

namespace udsrpc {
namespace {

using helloworld::HelloReply;
using helloworld::HelloRequest;
using helloworld::Item;
using helloworld::ListRequest;
using helloworld::Note;
using helloworld::Point;
using helloworld::Summary;
using testing::ElementsAre;

class TestContext final : public ServerContext {
 public:
  absl::string_view method() const override { return "unused"; }
  const Peer& peer() const override { return peer_; }
  bool IsCancelled() const override { return false; }

 private:
  const Peer peer_{};
};

// A stream that holds what the client has sent, and what it is sent.
class TestStream final : public ServerStream {
 public:
  explicit TestStream(const std::vector<const google::protobuf::MessageLite*>& incoming) {
    for (const google::protobuf::MessageLite* message : incoming) incoming_.push_back(message->SerializeAsString());
  }

  bool Read(google::protobuf::MessageLite& message) override {
    if (incoming_.empty()) return false;
    const std::string bytes = std::move(incoming_.front());
    incoming_.pop_front();
    return message.ParseFromString(bytes);
  }

  bool Write(const google::protobuf::MessageLite& message) override {
    outgoing_.push_back(message.SerializeAsString());
    return true;
  }

  void AttachFds(std::vector<UniqueFd> /*fds*/) override {}
  std::vector<UniqueFd> TakeFds() override { return {}; }
  void SendInitialMetadata() override {}

  const std::vector<std::string>& outgoing() const { return outgoing_; }

 private:
  std::deque<std::string> incoming_;
  std::vector<std::string> outgoing_;
};

class Greeter final : public helloworld::GreeterService {
 public:
  absl::Status SayHello(ServerContext& context, const HelloRequest& request, HelloReply& reply) override {
    reply.set_message("Hello " + request.name());
    return context.AddTrailingMetadata("greeted", request.name());
  }

  absl::Status List(ServerContext& /*context*/, const ListRequest& request, ServerWriter<Item>& writer) override {
    for (int i = 1; i <= request.count(); ++i) {
      Item item;
      item.set_number(i);
      if (!writer.Write(item)) return absl::AbortedError("not written");
    }
    return absl::OkStatus();
  }

  absl::Status Record(ServerContext& /*context*/, ServerReader<Point>& reader, Summary& reply) override {
    Point point;
    int points = 0;
    while (reader.Read(point)) ++points;
    reply.set_points(points);
    return absl::OkStatus();
  }

  absl::Status Chat(ServerContext& /*context*/, ServerReaderWriter<Note, Note>& stream) override {
    Note note;
    while (stream.Read(note)) {
      note.set_text("re: " + note.text());
      if (!stream.Write(note)) return absl::AbortedError("not written");
    }
    return absl::OkStatus();
  }
};

template <typename Message>
std::vector<Message> ParseAll(const std::vector<std::string>& encoded) {
  std::vector<Message> messages;
  for (const std::string& bytes : encoded) EXPECT_TRUE(messages.emplace_back().ParseFromString(bytes));
  return messages;
}

TEST(GeneratedServiceTest, RegistersItsMethodsInOrder) {
  const Greeter greeter;
  const Service& service = greeter;
  EXPECT_EQ(service.name(), "helloworld.Greeter");
  std::vector<std::pair<std::string, MethodKind>> methods;
  for (const ServerMethod& method : service.methods()) methods.emplace_back(method.path(), method.kind());
  EXPECT_THAT(methods, ElementsAre(std::pair("/helloworld.Greeter/SayHello", MethodKind::kUnary),
                                   std::pair("/helloworld.Greeter/List", MethodKind::kServerStreaming),
                                   std::pair("/helloworld.Greeter/Record", MethodKind::kClientStreaming),
                                   std::pair("/helloworld.Greeter/Chat", MethodKind::kBidiStreaming)));
  EXPECT_EQ(service.methods()[2].request_prototype().GetTypeName(), "helloworld.Point");
  EXPECT_EQ(service.methods()[2].response_prototype().GetTypeName(), "helloworld.Summary");
}

TEST(GeneratedServiceTest, AServiceWithoutAPackageHasNoDotInItsPath) {
  const UnpackagedService service;
  EXPECT_EQ(service.Service::name(), "Unpackaged");
  ASSERT_EQ(service.Service::methods().size(), 2u);
  EXPECT_EQ(service.Service::methods()[0].path(), "/Unpackaged/Call");
}

TEST(GeneratedServiceTest, UnaryMethodsReachTheOverride) {
  const Greeter greeter;
  TestContext context;
  HelloRequest request;
  request.set_name("world");
  HelloReply reply;
  EXPECT_EQ(greeter.methods()[0].unary()(context, request, reply), absl::OkStatus());
  EXPECT_EQ(reply.message(), "Hello world");
  EXPECT_EQ(context.trailing_metadata().Get("greeted"), "world");
}

TEST(GeneratedServiceTest, ServerStreamingMethodsReachTheOverride) {
  const Greeter greeter;
  TestContext context;
  ListRequest request;
  request.set_count(3);
  TestStream stream({});
  EXPECT_EQ(greeter.methods()[1].server_stream()(context, request, stream), absl::OkStatus());
  std::vector<int> numbers;
  for (const Item& item : ParseAll<Item>(stream.outgoing())) numbers.push_back(item.number());
  EXPECT_THAT(numbers, ElementsAre(1, 2, 3));
}

TEST(GeneratedServiceTest, ClientStreamingMethodsReachTheOverride) {
  const Greeter greeter;
  TestContext context;
  const Point point;
  TestStream stream({&point, &point});
  Summary reply;
  EXPECT_EQ(greeter.methods()[2].client_stream()(context, stream, reply), absl::OkStatus());
  EXPECT_EQ(reply.points(), 2);
}

TEST(GeneratedServiceTest, BidiStreamingMethodsReachTheOverride) {
  const Greeter greeter;
  TestContext context;
  Note first;
  first.set_text("one");
  Note second;
  second.set_text("two");
  TestStream stream({&first, &second});
  EXPECT_EQ(greeter.methods()[3].bidi_stream()(context, stream), absl::OkStatus());
  std::vector<std::string> texts;
  for (const Note& note : ParseAll<Note>(stream.outgoing())) texts.push_back(note.text());
  EXPECT_THAT(texts, ElementsAre("re: one", "re: two"));
}

TEST(GeneratedServiceTest, MethodsThatAreNotOverriddenAreUnimplemented) {
  const helloworld::GreeterService service;
  const auto unimplemented = [](const ServerMethod& method) {
    return absl::UnimplementedError(method.path() + ": the server does not implement this method");
  };
  TestContext context;
  TestStream stream({});
  HelloReply reply;
  Summary summary;
  const std::vector<ServerMethod>& methods = service.methods();
  EXPECT_EQ(methods[0].unary()(context, HelloRequest(), reply), unimplemented(methods[0]));
  EXPECT_EQ(methods[1].server_stream()(context, ListRequest(), stream), unimplemented(methods[1]));
  EXPECT_EQ(methods[2].client_stream()(context, stream, summary), unimplemented(methods[2]));
  EXPECT_EQ(methods[3].bidi_stream()(context, stream), unimplemented(methods[3]));
  EXPECT_TRUE(stream.outgoing().empty());
}

}  // namespace
}  // namespace udsrpc
