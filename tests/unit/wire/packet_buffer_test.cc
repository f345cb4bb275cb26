#include "common/src/wire/packet_buffer.h"

#include <thread>
#include <utility>
#include <vector>

#include "common/src/wire/limits.h"
#include "gtest/gtest.h"

namespace udsrpc {
namespace {

TEST(PacketBuffer, ReferencesShareAPacket) {
  PacketBuffer none;
  EXPECT_FALSE(none);
  PacketBuffer first = PacketBuffer::Make();
  ASSERT_TRUE(first);
  first.data()[wire::kMaxPacketBytes - 1] = 'z';
  const PacketBuffer second = first;
  first = {};
  EXPECT_EQ(second.data()[wire::kMaxPacketBytes - 1], 'z');
}

TEST(PacketBuffer, IsReadIntoAgainWhereNobodyElseRefersToIt) {
  PacketBuffer buffer;
  buffer.MakeUnshared();
  ASSERT_TRUE(buffer);
  char* const bytes = buffer.data();
  buffer.MakeUnshared();
  EXPECT_EQ(buffer.data(), bytes);
  PacketBuffer kept = buffer;
  buffer.MakeUnshared();
  EXPECT_NE(buffer.data(), bytes);
  EXPECT_EQ(kept.data(), bytes);
  buffer = std::move(kept);
  buffer.MakeUnshared();
  EXPECT_EQ(buffer.data(), bytes);
}

TEST(PacketBuffer, ItsReferencesMayBeOfSeveralThreads) {
  for (int round = 0; round < 100; ++round) {
    PacketBuffer buffer = PacketBuffer::Make();
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([kept = buffer]() mutable {
        const PacketBuffer other = kept;
        kept = {};
        EXPECT_TRUE(other);
      });
    }
    buffer = {};
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace udsrpc
