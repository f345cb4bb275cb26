#include "common/src/wire/block.h"

#include <vector>

#include "common/src/wire/limits.h"
#include "gtest/gtest.h"

namespace udsrpc::testing {
namespace {

TEST(Block, HasAtLeastTheBytesThatWereAskedFor) {
  for (const size_t bytes : {size_t{1}, size_t{16 << 10}, size_t{(16 << 10) + 1}, wire::kMaxPacketBytes,
                             wire::kMaxPacketBytes + 1, size_t{1 << 20}}) {
    size_t capacity = 0;
    const Block block = MakeBlock(bytes, &capacity);
    EXPECT_GE(capacity, bytes);
    block[0] = 'a';
    block[capacity - 1] = 'b';
  }
}

TEST(Block, ALargeOneIsUsedAgain) {
  size_t capacity = 0;
  Block first = MakeBlock(40000, &capacity);
  const char* const bytes = first.get();
  first.reset();
  EXPECT_EQ(MakeBlock(60000, &capacity).get(), bytes);
  // However many were in use at a time.
  std::vector<Block> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(MakeBlock(40000, &capacity));
  blocks.clear();
  EXPECT_GT(KeptBlockBytes(), 1U << 20);
  EXPECT_LE(KeptBlockBytes(), (2U << 20) + (64 << 10)) << "2 MiB, and what counts their references";
  EXPECT_NE(MakeBlock(40000, &capacity), nullptr);
}

}  // namespace
}  // namespace udsrpc::testing
