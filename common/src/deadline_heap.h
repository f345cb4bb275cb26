#ifndef UDSRPC_COMMON_DEADLINE_HEAP_H_
#define UDSRPC_COMMON_DEADLINE_HEAP_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "common/src/deadline.h"

namespace udsrpc {

// Where an item is in its heap.
class DeadlineHeapPlace {
 public:
  bool in_heap() const { return index_ != kNone; }

 private:
  template <typename Item>
  friend class DeadlineHeap;

  static constexpr size_t kNone = static_cast<size_t>(-1);
  size_t index_ = kNone;
};

// Items by their deadlines, the earliest first. As deadlines mostly come in the order in which they are set, an item is
// added at the end and stays there, which costs next to nothing; nothing is allocated for it. `Item` has a `deadline`,
// constant while it is in the heap, and a DeadlineHeapPlace `place_by_deadline`. Not thread-safe.
template <typename Item>
class DeadlineHeap {
 public:
  bool empty() const { return heap_.empty(); }
  // The one whose deadline is next. Not when empty().
  Item& first() const { return *heap_.front(); }

  // Whether it is the first one now. It must not be in a heap.
  bool Add(Item& item) {
    heap_.push_back(&item);
    Rise(heap_.size() - 1);
    return heap_.front() == &item;
  }

  // Nothing where it is in none.
  void Remove(Item& item) {
    const size_t index = std::exchange(item.place_by_deadline.index_, DeadlineHeapPlace::kNone);
    if (index == DeadlineHeapPlace::kNone) return;
    Item* const last = heap_.back();
    heap_.pop_back();
    if (last == &item) return;
    Put(last, index);
    Rise(index);
    Sink(last->place_by_deadline.index_);
  }

 private:
  void Put(Item* item, size_t index) {
    heap_[index] = item;
    item->place_by_deadline.index_ = index;
  }
  void Rise(size_t index) {
    Item* const item = heap_[index];
    while (index > 0 && item->deadline < heap_[(index - 1) / 2]->deadline) {
      Put(heap_[(index - 1) / 2], index);
      index = (index - 1) / 2;
    }
    Put(item, index);
  }
  void Sink(size_t index) {
    Item* const item = heap_[index];
    for (;;) {
      size_t child = 2 * index + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1]->deadline < heap_[child]->deadline) ++child;
      if (!(heap_[child]->deadline < item->deadline)) break;
      Put(heap_[child], index);
      index = child;
    }
    Put(item, index);
  }

  std::vector<Item*> heap_;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_DEADLINE_HEAP_H_
