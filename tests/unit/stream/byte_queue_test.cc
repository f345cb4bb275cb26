#include "common/src/stream/byte_queue.h"

#include <algorithm>
#include <string>

#include "common/src/wire/limits.h"
#include "gtest/gtest.h"

namespace udsrpc {
namespace {

PacketBuffer PacketOf(const std::string& bytes) {
  PacketBuffer packet = PacketBuffer::Make();
  std::copy(bytes.begin(), bytes.end(), packet.data());
  return packet;
}

std::string TakeAll(ByteQueue& queue) {
  std::string all(queue.size(), '\0');
  queue.PopTo(all.data(), all.size());
  EXPECT_TRUE(queue.empty());
  return all;
}

TEST(ByteQueue, KeepsTheOrderOfWhatIsCopiedAndWhatStaysInItsPacket) {
  const std::string large(40000, 'l');
  const std::string packet_bytes = "head" + large + "tail";
  ByteQueue queue;
  {
    const PacketBuffer packet = PacketOf(packet_bytes);
    queue.Append("before ");
    queue.Append({packet.data() + 4, large.size()}, packet);
    queue.Append({packet.data() + 4 + large.size(), 4}, packet);
    queue.Append(" after");
  }
  EXPECT_EQ(queue.size(), 7 + large.size() + 4 + 6);
  EXPECT_EQ(TakeAll(queue), "before " + large + "tail after");
}

TEST(ByteQueue, ALongRunIsWhereItWasReceivedAndAShortOneIsNot) {
  ByteQueue queue;
  const PacketBuffer packet = PacketOf(std::string(wire::kMaxPacketBytes, 'x'));
  queue.Append({packet.data() + 100, 50000}, packet);
  EXPECT_EQ(queue.Front().data(), packet.data() + 100);
  EXPECT_EQ(queue.Front().size(), 50000U);
  PacketBuffer next = packet;
  queue.Pop(50000);
  queue.Append({packet.data(), 1000}, packet);
  EXPECT_NE(queue.Front().data(), packet.data());
}

TEST(ByteQueue, GivesAPacketBackOnceItHasBeenTaken) {
  ByteQueue queue;
  PacketBuffer packet = PacketOf(std::string(wire::kMaxPacketBytes, 'x'));
  const char* const bytes = packet.data();
  queue.Append({packet.data(), 40000}, packet);
  queue.Append("rest");
  queue.Pop(40000);
  packet.MakeUnshared();
  EXPECT_EQ(packet.data(), bytes) << "nobody refers to it";
  queue.Append({packet.data(), 40000}, packet);
  queue.Clear();
  packet.MakeUnshared();
  EXPECT_EQ(packet.data(), bytes);
}

TEST(ByteQueue, SplicesPacketsBehindWhatIsThere) {
  ByteQueue from;
  ByteQueue into;
  {
    const PacketBuffer packet = PacketOf(std::string(40000, 'p'));
    from.Append("a");
    from.Append({packet.data(), 40000}, packet);
    into.Append("0");
    into.Splice(from);
    into.Append("b");
  }
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(TakeAll(into), "0a" + std::string(40000, 'p') + "b");
}

}  // namespace
}  // namespace udsrpc
