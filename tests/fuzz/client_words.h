#ifndef UDSRPC_TESTS_FUZZ_CLIENT_WORDS_H_
#define UDSRPC_TESTS_FUZZ_CLIENT_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "absl/strings/string_view.h"
#include "common/src/wire/frame.h"
#include "tests/fuzz/raw_end.h"
#include "tests/fuzz/stream_half.h"

namespace udsrpc::fuzz {

// What a client says on a connection, held against docs/PROTOCOL.md: whatever its server sends, its own frames keep the
// rules.
class ClientWords {
 public:
  // The server has sent this packet, which may be anything.
  void OnSent(absl::string_view packet);
  // The client has sent this one.
  void OnReceived(const RawEnd::Packet& packet);

  // The client has said that the server broke the protocol.
  bool ended() const { return ended_; }

 private:
  struct Call {
    StreamHalf messages;
    bool half_closed = false;
    bool answered = false;  // by a STATUS, which the client may not have read
  };

  void OnSentFrame(const wire::RawFrame& frame);
  void OnFrame(const wire::RawFrame& frame, size_t& descriptors);
  void OnCall(const wire::CallFrame& call);
  // One that the client has opened, whether or not it has ended.
  Call& CallOf(uint32_t id);
  void Claim(const std::optional<uint16_t>& fds, size_t& descriptors) const;

  uint16_t max_fds_ = 0;
  bool greeted_ = false;
  bool broken_ = false;
  uint64_t pings_ = 0;
  uint64_t credit_ = wire::kInitialConnectionCredit;

  bool said_hello_ = false;
  bool ended_ = false;
  uint32_t numbered_ = 0;
  std::map<uint32_t, Call> calls_;
};

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_CLIENT_WORDS_H_
