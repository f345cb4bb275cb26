#ifndef UDSRPC_TESTS_FUZZ_STREAM_HALF_H_
#define UDSRPC_TESTS_FUZZ_STREAM_HALF_H_

#include <cstdint>

#include "common/src/wire/limits.h"
#include "common/src/wire/stream_frame.h"
#include "tests/fuzz/check.h"

namespace udsrpc::fuzz {

// The messages that the tested side sends of one call, held against docs/PROTOCOL.md, "MESSAGE" and "Credit".
class StreamHalf {
 public:
  void OnMessage(const wire::MessageFrame& frame, uint32_t frame_bytes) {
    FUZZ_CHECK(frame_bytes <= credit_);
    credit_ -= frame_bytes;
    if (in_message_) {
      FUZZ_CHECK(!frame.total && !frame.fds);
    } else {
      FUZZ_CHECK(frame.more == frame.total.has_value());
      missing_ = frame.total.value_or(frame.message.size());
    }
    FUZZ_CHECK(frame.message.size() <= missing_);
    missing_ -= frame.message.size();
    FUZZ_CHECK(frame.more || missing_ == 0);
    in_message_ = frame.more;
    if (!in_message_) ++messages_;
  }
  // The fuzzer has given it credit.
  void Add(uint64_t credit) { credit_ += credit; }

  bool in_message() const { return in_message_; }
  uint64_t messages() const { return messages_; }  // that are whole

 private:
  uint64_t credit_ = wire::kInitialCallCredit;
  uint64_t missing_ = 0;
  bool in_message_ = false;
  uint64_t messages_ = 0;
};

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_STREAM_HALF_H_
