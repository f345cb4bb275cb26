#ifndef UDSRPC_COMMON_WIRE_LIMITS_H_
#define UDSRPC_COMMON_WIRE_LIMITS_H_

#include <cstddef>
#include <cstdint>

// Constants of the protocol (docs/PROTOCOL.md, "Limits"). A peer that exceeds one has made a connection error.

namespace udsrpc::wire {

inline constexpr uint16_t kVersion = 1;

// The largest packet. Above about 85 KB the kernel needs contiguous pages for a socket buffer, and larger packets were
// measured no faster; every peer can receive this much from its first packet on.
inline constexpr size_t kMaxPacketBytes = 65536;

// Paths longer than this are no method's. Names in .proto files have no limit; 1 KiB is generous.
inline constexpr size_t kMaxMethodPathBytes = 1024;

// Numbers that a client may assign on one connection. Bounds what a server remembers of it: at most 1 MiB of paths,
// and in practice none, since a server keeps only the paths of methods that it does not have.
inline constexpr uint32_t kMaxMethodNumbers = 1024;

// What each side may send, in bytes of MESSAGE frames with their headers, before it needs CREDIT: on each call, and on
// the connection as a whole. A call's is what a receiver has to be ready to keep of a stream that nobody reads.
inline constexpr uint32_t kInitialCallCredit = 65536;
// Two packets: one on its way while the other is read. It has to leave room in the socket for everything else: the
// kernel takes 212,992 bytes by default, counted with its own overhead.
inline constexpr uint32_t kInitialConnectionCredit = 2 * kMaxPacketBytes;
// What a receiver lets its peer have once a message comes that takes several packets, so that credit is a frame for
// every second packet and both ends work at the same time. For a peer whose socket takes the doubled size (see
// EnlargeSendBuffer) it leaves as much room as the first; another's waits until there is some.
inline constexpr uint32_t kLongMessageConnectionCredit = 4 * kMaxPacketBytes;
// More than this at once is a connection error.
inline constexpr uint32_t kMaxCredit = 1U << 30;

// The least that is worth a fragment of its own: a sender with a longer message waits until it has credit for this.
// Receivers give credit back in larger pieces.
inline constexpr size_t kMinFragmentBytes = 8192;

// Descriptors of one packet: the kernel's SCM_MAX_FD (unix(7)).
inline constexpr uint16_t kMaxFds = 253;

// Explanations in GOAWAY are cut to this.
inline constexpr size_t kMaxReasonBytes = 1024;

// What a limit is on the wire, where it has 32 bits.
inline constexpr uint32_t ClampLimit(size_t limit) {
  return limit < UINT32_MAX ? static_cast<uint32_t>(limit) : UINT32_MAX;
}

}  // namespace udsrpc::wire

#endif  // UDSRPC_COMMON_WIRE_LIMITS_H_
