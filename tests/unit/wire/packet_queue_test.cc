#include "common/src/wire/packet_queue.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/src/wire/frame.h"
#include "common/src/wire/stream_frame.h"
#include "gtest/gtest.h"

namespace udsrpc::wire {
namespace {

void Append(PacketQueue& queue, size_t size, char fill) { std::string(size, fill).copy(queue.Append(size), size); }

TEST(PacketQueue, FramesShareAPacketWhileTheyFit) {
  PacketQueue queue;
  Append(queue, 100, 'a');
  Append(queue, kMaxPacketBytes - 100, 'b');
  Append(queue, 1, 'c');
  EXPECT_EQ(queue.bytes(), kMaxPacketBytes + 1);
  EXPECT_EQ(queue.Take().bytes(), std::string(100, 'a') + std::string(kMaxPacketBytes - 100, 'b'));
  EXPECT_EQ(queue.Take().bytes(), "c");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(PacketQueue, KeepsTheOrderWhenAPacketComesBack) {
  PacketQueue queue;
  Append(queue, 3, 'a');
  PacketQueue::Packet packet = queue.Take();
  Append(queue, 2, 'b');
  queue.Return(std::move(packet));
  EXPECT_EQ(queue.bytes(), 5U);
  EXPECT_EQ(queue.Take().bytes(), "aaa");
  EXPECT_EQ(queue.Take().bytes(), "bb");
}

TEST(PacketQueue, TakenPacketsAreNotAppendedTo) {
  PacketQueue queue;
  Append(queue, 1, 'a');
  const PacketQueue::Packet taken = queue.Take();
  Append(queue, 1, 'b');
  EXPECT_EQ(taken.bytes(), "a");
  EXPECT_EQ(queue.Take().bytes(), "b");
}

TEST(PacketQueue, ReusesTheMemoryOfSmallPackets) {
  PacketQueue queue;
  Append(queue, 10, 'a');
  PacketQueue::Packet packet = queue.Take();
  const char* const memory = packet.bytes().data();
  queue.Recycle(std::move(packet));
  Append(queue, 20, 'b');
  packet = queue.Take();
  EXPECT_EQ(packet.bytes().data(), memory);
  EXPECT_EQ(packet.bytes(), std::string(20, 'b'));
}

TEST(PacketQueue, GrowsAPacketWithoutLosingWhatIsInIt) {
  PacketQueue queue;
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    Append(queue, 37, static_cast<char>('a' + i % 26));
    expected += std::string(37, static_cast<char>('a' + i % 26));
  }
  EXPECT_EQ(queue.Take().bytes(), expected);
}

TEST(PacketQueue, WritesFramesInPlace) {
  PacketQueue queue;
  const CallFrame call{.call = 1, .method = 2, .half_close = true, .has_message = true};
  absl::string_view("body").copy(queue.AppendFrame(call, 4), 4);
  queue.AppendFrame(GoawayFrame{.reason = 0}, "bye");
  EXPECT_EQ(queue.Take().bytes(), SerializeFrame(call, "body") + SerializeFrame(GoawayFrame{.reason = 0}, "bye"));
}

internal::OutgoingFds Fds(int count) {
  std::vector<UniqueFd> fds(count);
  return std::make_shared<const std::vector<UniqueFd>>(std::move(fds));
}

TEST(PacketQueue, APacketHasTheDescriptorsOfOneFrame) {
  PacketQueue queue;
  const internal::OutgoingFds first = Fds(1);
  const internal::OutgoingFds second = Fds(2);
  const MessageFrame plain{.call = 1};
  const MessageFrame one{.call = 1, .fds = 1};
  const MessageFrame two{.call = 2, .fds = 2};
  queue.AppendFrame(plain, "a");
  absl::string_view("b").copy(queue.AppendFrame(one, 1, first), 1);
  queue.AppendFrame(plain, "c");
  absl::string_view("d").copy(queue.AppendFrame(two, 1, second), 1);
  absl::string_view("e").copy(queue.AppendFrame(plain, 1, nullptr), 1);
  PacketQueue::Packet packet = queue.Take();
  EXPECT_EQ(packet.bytes(), SerializeFrame(plain, "a") + SerializeFrame(one, "b") + SerializeFrame(plain, "c"));
  EXPECT_EQ(packet.fds(), first.get());
  packet = queue.Take();
  EXPECT_EQ(packet.bytes(), SerializeFrame(two, "d") + SerializeFrame(plain, "e"));
  EXPECT_EQ(packet.fds(), second.get());
  EXPECT_TRUE(queue.empty());
}

TEST(PacketQueue, AFrameSaysThatItHasLostItsDescriptors) {
  PacketQueue queue;
  const CallFrame call{.call = 1, .method = 2, .has_message = true, .fds = 3};
  CallFrame lost = call;
  lost.fds = 0;
  Append(queue, 1000, 'x');
  absl::string_view("body").copy(queue.AppendFrame(call, 4, Fds(3)), 4);
  Append(queue, 30000, 'y');  // which moves what is before it
  PacketQueue::Packet packet = queue.Take();
  packet.LoseFds();
  EXPECT_EQ(packet.fds(), nullptr);
  EXPECT_EQ(packet.bytes(), std::string(1000, 'x') + SerializeFrame(lost, "body") + std::string(30000, 'y'));
}

TEST(PacketQueue, LetsGoOfDescriptorsThatWereSent) {
  PacketQueue queue;
  internal::OutgoingFds fds = Fds(1);
  const std::weak_ptr<const std::vector<UniqueFd>> watched = fds;
  queue.AppendFrame(MessageFrame{.call = 1, .fds = 1}, 0, fds);
  fds = nullptr;
  EXPECT_EQ(queue.fds(), 1U);
  PacketQueue::Packet packet = queue.Take();
  EXPECT_EQ(queue.fds(), 0U);
  queue.Return(std::move(packet));
  EXPECT_EQ(queue.fds(), 1U);
  packet = queue.Take();
  EXPECT_FALSE(watched.expired());
  queue.Recycle(std::move(packet));
  EXPECT_TRUE(watched.expired());
  Append(queue, 10, 'a');
  EXPECT_EQ(queue.Take().fds(), nullptr);
}

TEST(PacketQueue, ClearsToEmpty) {
  PacketQueue queue;
  Append(queue, 10, 'a');
  queue.Clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0U);
}

}  // namespace
}  // namespace udsrpc::wire
