#include "common/src/wire/packet_queue.h"

#include <string>

#include "common/src/wire/frame.h"
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

TEST(PacketQueue, ClearsToEmpty) {
  PacketQueue queue;
  Append(queue, 10, 'a');
  queue.Clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0U);
}

}  // namespace
}  // namespace udsrpc::wire
