#ifndef UDSRPC_PEER_H_
#define UDSRPC_PEER_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "udsrpc/transport.h"

namespace udsrpc {

// Who made a connection, by the kernel's word and not its own: the credentials that the process had when it called
// connect(2) (unix(7), SO_PEERCRED and its likes), whatever it has become since, and whoever has inherited the socket.
// Of a socketpair(2), those of who made it. Of a caller who came by the network the kernel says nothing: see remote().
// Immutable, hence thread-safe.
class Peer {
 public:
  // Ids of the effective user and group; 65534 stands for one that this process's user namespace does not know.
  struct Ids {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  // supplementary ones, sorted
  };

  // A caller who came to a remote endpoint (ServerBuilder::AddRemoteEndpoint), be it from another host or this one, and
  // what its credentials have proved.
  struct Remote {
    // Whether it has proved who it is: over TLS by a certificate that an authority has signed that the server's
    // credentials name (mutual TLS), where these were passed with ClientCertificates::kVerified. False: it may be
    // anybody who can reach the port.
    bool authenticated = false;
    // The names that it has proved to have: the subject alternative names of its certificate, or where that has none
    // its common name. Empty where it has not proved any.
    std::vector<std::string> names = {};
    // All that it has shown, proved or not, as grpc::AuthContext has it: "transport_security_type" is "ssl" for TLS and
    // "insecure" for none; "x509_common_name", "x509_subject_alternative_name", "x509_pem_cert" and others. A key may
    // have several values.
    std::vector<std::pair<std::string, std::string>> properties = {};
  };

  // The uid and gid of a remote caller: no user's.
  static constexpr uid_t kNoUid = static_cast<uid_t>(-1);
  static constexpr gid_t kNoGid = static_cast<gid_t>(-1);

  Peer() = default;
  // Takes over `pidfd`, which may be -1.
  Peer(std::string endpoint, std::string address, Transport transport, pid_t pid, Ids ids, std::string security_label,
       int pidfd)
      : endpoint_(std::move(endpoint)),
        address_(std::move(address)),
        transport_(transport),
        pid_(pid),
        ids_(std::move(ids)),
        security_label_(std::move(security_label)),
        pidfd_(pidfd) {}
  // A remote caller, at `address`.
  Peer(std::string address, Remote remote)
      : address_(std::move(address)), ids_{.uid = kNoUid, .gid = kNoGid, .groups = {}}, remote_(std::move(remote)) {}
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Null: its process is on this host, and the rest of this class says which by the kernel's word. Else nothing is
  // known of process, user and groups: pid() is 0, uid() kNoUid, gid() kNoGid and groups() empty, and it is never among
  // allowed_uids or allowed_gids.
  const Remote* remote() const { return remote_.has_value() ? &*remote_ : nullptr; }

  // The server's endpoint to which it connected, as Server::endpoints() has it. Empty: to none, the connection came by
  // Server::AddConnection; or to a remote one, of which gRPC does not tell which.
  const std::string& endpoint() const { return endpoint_; }
  // The name of its own end, as ChannelOptions::local_address has it; empty where that is bound to none, as usual. It
  // is what the process says of itself and proves nothing: a path is one in its own mount namespace, and may be any. Of
  // a remote caller its address and port, such as "ipv4:192.0.2.1:50000".
  const std::string& address() const { return address_; }
  // Never kAuto.
  Transport transport() const { return transport_; }

  // The process. 0: it is in a pid namespace that this process's does not contain, or remote. May have ended, and the
  // number be another's by now, where pidfd() tells the two apart.
  pid_t pid() const { return pid_; }
  uid_t uid() const { return ids_.uid; }
  gid_t gid() const { return ids_.gid; }
  const std::vector<gid_t>& groups() const { return ids_.groups; }
  // By its group or a supplementary one.
  bool IsInGroup(gid_t group) const;

  // Of SELinux, AppArmor or Smack (SO_PEERSEC). Empty where there is none.
  const std::string& security_label() const { return security_label_; }

  // Refers to the very process (pidfd_open(2)); lives as long as this. -1: EndpointOptions::peer_pidfd is off, or the
  // kernel has none to give, as before Linux 6.5, or where the process has ended already, or is remote.
  int pidfd() const { return pidfd_; }

 private:
  const std::string endpoint_;
  const std::string address_;
  const Transport transport_ = Transport::kGrpc;
  const pid_t pid_ = 0;
  const Ids ids_ = {};
  const std::string security_label_;
  const int pidfd_ = -1;
  const std::optional<Remote> remote_ = std::nullopt;
};

}  // namespace udsrpc

#endif  // UDSRPC_PEER_H_
