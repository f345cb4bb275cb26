#ifndef UDSRPC_PEER_H_
#define UDSRPC_PEER_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "udsrpc/transport.h"

namespace udsrpc {

// Who made a connection, by the kernel's word and not its own: the credentials that the process had when it called
// connect(2) (unix(7), SO_PEERCRED and its likes), whatever it has become since, and whoever has inherited the socket.
// Of a socketpair(2), those of who made it. Immutable, hence thread-safe.
class Peer {
 public:
  // Ids of the effective user and group; 65534 stands for one that this process's user namespace does not know.
  struct Ids {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  // supplementary ones, sorted
  };

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
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // The server's endpoint to which it connected, as Server::endpoints() has it. Empty: to none, the connection came by
  // Server::AddConnection.
  const std::string& endpoint() const { return endpoint_; }
  // The name of its own end, as ChannelOptions::local_address has it; empty where that is bound to none, as usual. It
  // is what the process says of itself and proves nothing: a path is one in its own mount namespace, and may be any.
  const std::string& address() const { return address_; }
  // Never kAuto.
  Transport transport() const { return transport_; }

  // The process. 0: it is in a pid namespace that this process's does not contain. May have ended, and the number be
  // another's by now, where pidfd() tells the two apart.
  pid_t pid() const { return pid_; }
  uid_t uid() const { return ids_.uid; }
  gid_t gid() const { return ids_.gid; }
  const std::vector<gid_t>& groups() const { return ids_.groups; }
  // By its group or a supplementary one.
  bool IsInGroup(gid_t group) const;

  // Of SELinux, AppArmor or Smack (SO_PEERSEC). Empty where there is none.
  const std::string& security_label() const { return security_label_; }

  // Refers to the very process (pidfd_open(2)); lives as long as this. -1: EndpointOptions::peer_pidfd is off, or the
  // kernel has none to give, as before Linux 6.5, or where the process has ended already.
  int pidfd() const { return pidfd_; }

 private:
  const std::string endpoint_;
  const std::string address_;
  const Transport transport_ = Transport::kGrpc;
  const pid_t pid_ = 0;
  const Ids ids_ = {};
  const std::string security_label_;
  const int pidfd_ = -1;
};

}  // namespace udsrpc

#endif  // UDSRPC_PEER_H_
