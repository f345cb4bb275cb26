#ifndef UDSRPC_TESTS_FUZZ_SERVER_WORDS_H_
#define UDSRPC_TESTS_FUZZ_SERVER_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/src/wire/frame.h"
#include "common/src/wire/stream_frame.h"
#include "tests/fuzz/raw_end.h"
#include "tests/fuzz/stream_half.h"
#include "udsrpc/method.h"

namespace udsrpc::fuzz {

// What a server says on a connection, held against docs/PROTOCOL.md: whatever its client sends, its own frames keep the
// rules, and each call gets one STATUS at most.
class ServerWords {
 public:
  // `kind_of` a path that a CALL names; nothing: the server has no such method.
  using KindOf = std::optional<MethodKind> (*)(absl::string_view path);
  explicit ServerWords(KindOf kind_of) : kind_of_(kind_of) {}

  // The client has sent this packet, which may be anything.
  void OnSent(absl::string_view packet);
  // The server has sent this one.
  void OnReceived(const RawEnd::Packet& packet);

  // The server has said goodbye for an error, or for the client's version.
  bool ended() const { return ended_; }
  bool said_hello() const { return said_hello_; }
  // Calls that were opened, as far as the client knows, and have no STATUS yet: of an OPEN connection that the client
  // has not broken, the server's.
  std::vector<uint32_t> OpenCalls() const;
  size_t statuses() const { return statuses_; }
  // Whether so much credit more is no error.
  bool MayGive(uint32_t call, uint32_t credit) const;

 private:
  struct Call {
    std::optional<MethodKind> kind;
    StreamHalf messages;
    uint64_t given = 0;
    bool initial_sent = false;
  };

  void OnSentFrame(const wire::RawFrame& frame);
  void OnFrame(const wire::RawFrame& frame, size_t& descriptors);
  void OnStatus(const wire::StatusFrame& status);
  Call& OpenCall(uint32_t id);
  void Claim(const std::optional<uint16_t>& fds, size_t& descriptors) const;

  const KindOf kind_of_;
  bool greeted_ = false;  // the client's HELLO was sent
  bool broken_ = false;   // and it has sent what cannot be read
  uint16_t max_fds_ = 0;
  uint64_t pings_ = 0;  // of the client that have no answer
  uint64_t credit_ = wire::kInitialConnectionCredit;
  uint64_t given_ = 0;
  std::vector<std::optional<MethodKind>> numbered_;
  // By number, in the order in which they were opened: a client that uses one again too early has two.
  std::map<uint32_t, std::deque<Call>> calls_;

  bool said_hello_ = false;
  bool said_goodbye_ = false;
  bool ended_ = false;
  size_t statuses_ = 0;
};

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_SERVER_WORDS_H_
