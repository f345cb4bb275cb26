#ifndef UDSRPC_TESTS_FUZZ_RAW_END_H_
#define UDSRPC_TESTS_FUZZ_RAW_END_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/src/socket/socket.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::fuzz {

// The fuzzer's end of a connection.
class RawEnd {
 public:
  // `*other` is the end of what is tested.
  static RawEnd Pair(UniqueFd* other);

  struct Packet {
    std::string bytes;
    size_t descriptors;  // that came with it, and are closed
  };

  // With so many descriptors. False: it is full, or the other end has closed.
  bool Send(absl::string_view packet, size_t descriptors = 0);
  // What has come, if anything.
  std::optional<Packet> Receive();
  // Receive has found the end.
  bool at_end() const { return at_end_; }
  // Bytes that the other end has yet to read, as the kernel counts them.
  int unread() const;
  void ShutdownWriting();
  void Close() { socket_.reset(); }
  bool open() const { return socket_.valid(); }

 private:
  explicit RawEnd(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
  bool at_end_ = false;
};

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_RAW_END_H_
