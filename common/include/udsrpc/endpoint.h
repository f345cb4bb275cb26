#ifndef UDSRPC_ENDPOINT_H_
#define UDSRPC_ENDPOINT_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace udsrpc {

// The address of a service on this host, written as a gRPC target:
//
//   unix:PATH             a socket file; PATH is absolute, or relative to the working directory at the time of use
//   unix:///ABSOLUTE/PATH the same, with an empty authority
//   unix-abstract:NAME    a name in the abstract namespace (Linux only, no file, no file permissions)
//
// `%XX` stands for one byte, so `%00` in an abstract name is a NUL and `%3F` in a path is a question mark.
// One endpoint can offer both transports: gRPC on a stream socket at the address itself, seqpacket on a socket of
// its own at the same abstract name or at PATH.seqpacket.
//
// A value; thread-safe as an int is.
class Endpoint {
 public:
  enum class Kind { kPath, kAbstract };

  // INVALID_ARGUMENT, with a message that quotes `target` and names the remedy: no scheme or an unknown one, an
  // authority, an empty path or name, a NUL in a path, a malformed escape, a raw `?` or `#`, a name of more than 107
  // bytes (what a socket address holds, sun_path in unix(7), less the NUL that begins a name or ends a path), or a path
  // of 4,096 or more. A path of more than 107 needs /proc, and a file name of at most 82 bytes (72 where seqpacket is
  // offered): it is reached as /proc/self/fd/N/NAME, and that is what tools such as ss show of it.
  static absl::StatusOr<Endpoint> Parse(absl::string_view target);

  // `path` and `name` are raw bytes, not percent-encoded. INVALID_ARGUMENT as for Parse.
  static absl::StatusOr<Endpoint> FromPath(absl::string_view path);
  static absl::StatusOr<Endpoint> FromAbstractName(absl::string_view name);

  Kind kind() const { return kind_; }

  // The path, or the abstract name without the NUL that begins it in a socket address. Raw bytes.
  const std::string& address() const { return address_; }

  // A target that parses to an equal endpoint, here and in gRPC. (gRPC C++ 1.51 cannot express a comma, nor an abstract
  // name that begins with a NUL; CreateChannel refuses those over gRPC.)
  std::string ToString() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;

 private:
  Endpoint(Kind kind, std::string address) : kind_(kind), address_(std::move(address)) {}

  Kind kind_;
  std::string address_;
};

}  // namespace udsrpc

#endif  // UDSRPC_ENDPOINT_H_
