#include <memory>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "helloworld/greeter.udsrpc.pb.h"

namespace udsrpc {
namespace {

using helloworld::GreeterStub;

static_assert(!std::is_convertible_v<std::shared_ptr<Channel>, GreeterStub>, "a channel is no stub by itself");
static_assert(std::is_copy_constructible_v<GreeterStub> && std::is_copy_assignable_v<GreeterStub>);

// A channel to which nobody answers: the calls below end before they reach it.
std::shared_ptr<Channel> ChannelToNowhere() {
  return CreateChannel("unix-abstract:nowhere", {.transport = Transport::kSeqpacket}).value();
}

TEST(GeneratedStubTest, KeepsItsChannelAlive) {
  std::shared_ptr<Channel> channel = ChannelToNowhere();
  const std::weak_ptr<Channel> watched = channel;
  {
    GreeterStub stub(channel);
    channel.reset();
    EXPECT_FALSE(watched.expired());
    const GreeterStub copy = stub;
    const GreeterStub moved = std::move(stub);
    EXPECT_EQ(watched.use_count(), 3) << "a stub that was moved from is as good as before";
  }
  EXPECT_TRUE(watched.expired());
}

// A context that was cancelled before its call: the channel claims it, and ends the call with CANCELLED.
TEST(GeneratedStubTest, EachFunctionHandsItsContextToTheChannel) {
  const std::shared_ptr<Channel> channel = ChannelToNowhere();
  const GreeterStub stub(channel);
  {
    ClientContext context;
    context.Cancel();
    helloworld::HelloReply reply;
    EXPECT_EQ(stub.SayHello(context, helloworld::HelloRequest(), reply).code(), absl::StatusCode::kCancelled);
  }
  {
    ClientContext context;
    context.Cancel();
    ClientReader<helloworld::Item> reader = stub.List(context, helloworld::ListRequest());
    helloworld::Item item;
    EXPECT_FALSE(reader.Read(item));
    EXPECT_EQ(reader.Finish().code(), absl::StatusCode::kCancelled);
  }
  {
    ClientContext context;
    context.Cancel();
    helloworld::Summary reply;
    ClientWriter<helloworld::Point, helloworld::Summary> writer = stub.Record(context, reply);
    EXPECT_FALSE(writer.Write(helloworld::Point()));
    EXPECT_EQ(writer.Finish().code(), absl::StatusCode::kCancelled);
  }
  {
    ClientContext context;
    context.Cancel();
    ClientReaderWriter<helloworld::Note, helloworld::Note> stream = stub.Chat(context);
    EXPECT_FALSE(stream.Write(helloworld::Note()));
    EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kCancelled);
  }
}

}  // namespace
}  // namespace udsrpc
