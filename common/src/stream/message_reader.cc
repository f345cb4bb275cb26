#include "common/src/stream/message_reader.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstring>

#include "common/src/stream/inbound_messages.h"
#include "google/protobuf/io/zero_copy_stream.h"

namespace udsrpc {
namespace {

// One message of a queue that grows at its end.
class MessageInput final : public google::protobuf::io::ZeroCopyInputStream {
 public:
  MessageInput(ByteQueue& bytes, uint64_t size, MessageReader::Fetch fetch)
      : bytes_(bytes), fetch_(fetch), left_(size) {}

  bool Next(const void** data, int* size) override {
    Release();
    if (left_ == 0) return false;
    if (bytes_.empty() && !fetch_(bytes_)) {
      cut_ = true;
      return false;
    }
    const absl::string_view run = bytes_.Front();
    lent_ = static_cast<size_t>(std::min<uint64_t>({run.size(), left_, INT_MAX}));
    left_ -= lent_;
    *data = run.data();
    *size = static_cast<int>(lent_);
    read_ += *size;
    return true;
  }

  void BackUp(int count) override {
    lent_ -= static_cast<size_t>(count);
    left_ += static_cast<size_t>(count);
    read_ -= count;
  }

  bool Skip(int count) override {
    const void* data;
    int size;
    while (count > 0) {
      if (!Next(&data, &size)) return false;
      if (size > count) BackUp(size - count);
      count -= std::min(size, count);
    }
    return true;
  }

  int64_t ByteCount() const override { return read_; }

  // Reads over what the parser left. False: the message's end will not come.
  bool Drain() {
    const void* data;
    int size;
    while (!cut_ && Next(&data, &size)) {
    }
    Release();
    return !cut_;
  }

 private:
  void Release() {
    bytes_.Pop(lent_);
    lent_ = 0;
  }

  ByteQueue& bytes_;
  const MessageReader::Fetch fetch_;
  uint64_t left_;
  size_t lent_ = 0;
  int64_t read_ = 0;
  bool cut_ = false;
};

}  // namespace

bool MessageReader::HasWhole() const {
  uint64_t size;
  if (bytes_.size() < sizeof(size)) return false;
  bytes_.Peek(reinterpret_cast<char*>(&size), sizeof(size));
  size &= ~InboundMessages::kHasFds;
  return bytes_.size() - sizeof(size) >= size;
}

MessageReader::Outcome MessageReader::Read(google::protobuf::MessageLite& message, Fetch fetch) {
  has_fds_ = false;
  uint64_t size;
  while (bytes_.size() < sizeof(size)) {
    if (!fetch(bytes_)) return Outcome::kEnd;
  }
  char prefix[sizeof(size)];
  bytes_.PopTo(prefix, sizeof(prefix));
  std::memcpy(&size, prefix, sizeof(size));
  has_fds_ = (size & InboundMessages::kHasFds) != 0;
  size &= ~InboundMessages::kHasFds;
  message_bytes_ = size;
  if (size == 0) {
    message.Clear();
    return message.IsInitialized() ? Outcome::kMessage : Outcome::kMalformed;
  }
  if (!bytes_.empty() && bytes_.Front().size() >= size) {
    const bool parsed = message.ParseFromArray(bytes_.Front().data(), static_cast<int>(size));
    bytes_.Pop(size);
    return parsed ? Outcome::kMessage : Outcome::kMalformed;
  }
  MessageInput input(bytes_, size, fetch);
  const bool parsed = message.ParseFromZeroCopyStream(&input);
  if (!input.Drain()) return Outcome::kEnd;
  return parsed ? Outcome::kMessage : Outcome::kMalformed;
}

}  // namespace udsrpc
