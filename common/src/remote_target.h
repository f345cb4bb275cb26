#ifndef UDSRPC_COMMON_REMOTE_TARGET_H_
#define UDSRPC_COMMON_REMOTE_TARGET_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace udsrpc {

// The address of a service that no Unix socket leads to, written as a gRPC target. A value.
class RemoteTarget {
 public:
  // Whether `target` begins as one of these does: dns:, ipv4: or ipv6:.
  static bool HasScheme(absl::string_view target);

  // What a client connects to:
  //   dns:HOST[:PORT], dns:///HOST[:PORT], dns://DNS-SERVER/HOST[:PORT]   a name, looked up; without a port it is 443
  //   ipv4:ADDRESS:PORT[,ADDRESS:PORT...], ipv6:[ADDRESS]:PORT[,...]      one of these, the first that answers
  // INVALID_ARGUMENT, with a message that quotes `target` and names the remedy.
  static absl::StatusOr<RemoteTarget> Parse(absl::string_view target);

  // What a server listens on: one address with its port, which may be 0; with a scheme as above, or without one. A name
  // is resolved here. INVALID_ARGUMENT as for Parse.
  static absl::StatusOr<RemoteTarget> ParseListening(absl::string_view address);

  // Of a server's: a name or a numeric address, without brackets; and the port.
  const std::string& host() const { return host_; }
  int port() const { return port_; }
  // The same with another port.
  RemoteTarget WithPort(int port) const;
  // HOST:PORT.
  std::string HostAndPort() const;

  // As a client writes it.
  const std::string& ToString() const { return target_; }

 private:
  RemoteTarget(std::string target, std::string host, int port)
      : target_(std::move(target)), host_(std::move(host)), port_(port) {}

  std::string target_;
  std::string host_;
  int port_;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_REMOTE_TARGET_H_
