#include "common/src/deadline_heap.h"

#include <chrono>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace udsrpc::testing {
namespace {

struct Item {
  explicit Item(uint64_t microseconds)
      : deadline(Deadline::AfterMicroseconds(microseconds, Deadline::Clock::time_point())) {}

  const Deadline deadline;
  DeadlineHeapPlace place_by_deadline;
};

TEST(DeadlineHeap, TellsWhichItemIsFirst) {
  DeadlineHeap<Item> heap;
  Item second(2);
  Item third(3);
  Item first(1);
  EXPECT_TRUE(heap.Add(second));
  EXPECT_FALSE(heap.Add(third));
  EXPECT_TRUE(heap.Add(first));
  EXPECT_EQ(&heap.first(), &first);
  heap.Remove(first);
  EXPECT_FALSE(first.place_by_deadline.in_heap());
  EXPECT_EQ(&heap.first(), &second);
  heap.Remove(first);
  heap.Remove(second);
  heap.Remove(third);
  EXPECT_TRUE(heap.empty());
  EXPECT_TRUE(heap.Add(second));
}

TEST(DeadlineHeap, StaysInOrderWhateverIsAddedAndRemoved) {
  std::mt19937 random(1);
  DeadlineHeap<Item> heap;
  std::vector<std::unique_ptr<Item>> items;
  for (int round = 0; round < 20000; ++round) {
    if (items.empty() || random() % 5 < 3) {
      items.push_back(std::make_unique<Item>(random() % 1000));
      heap.Add(*items.back());
    } else {
      const size_t index = random() % items.size();
      heap.Remove(*items[index]);
      items.erase(items.begin() + static_cast<ptrdiff_t>(index));
    }
    if (items.size() > 64) {
      heap.Remove(*items.front());
      items.erase(items.begin());
    }
    ASSERT_EQ(heap.empty(), items.empty());
    for (const auto& item : items) ASSERT_FALSE(item->deadline < heap.first().deadline);
  }
  while (!heap.empty()) {
    Item& first = heap.first();
    heap.Remove(first);
    ASSERT_TRUE(heap.empty() || !(heap.first().deadline < first.deadline));
  }
  for (const auto& item : items) EXPECT_FALSE(item->place_by_deadline.in_heap());
}

}  // namespace
}  // namespace udsrpc::testing
