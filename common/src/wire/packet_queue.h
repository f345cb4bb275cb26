#ifndef UDSRPC_COMMON_WIRE_PACKET_QUEUE_H_
#define UDSRPC_COMMON_WIRE_PACKET_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/src/wire/block.h"
#include "common/src/wire/frame_header.h"
#include "common/src/wire/limits.h"
#include "udsrpc/internal/call_fds.h"

namespace udsrpc::wire {

// Frames on their way out. Whatever is queued between two sends shares packets, so that it costs one system call, one
// socket buffer and one wake-up of the peer. Pure: the owner sends. Not thread-safe.
class PacketQueue {
 public:
  // Bytes of a packet being built.
  class Packet {
   public:
    Packet() = default;
    // Of `size` bytes (at most kMaxPacketBytes), which are the caller's to fill.
    explicit Packet(size_t size) : data_(MakeBlock(size, &capacity_)), size_(size) {}

    absl::string_view bytes() const { return {data_.get(), size_}; }
    char* data() { return data_.get(); }

    // Has `fds` go with it. They are those of the frame whose head ends at `head_end`, with their number. Once.
    void Attach(internal::OutgoingFds fds, size_t head_end);
    // Null: it goes alone.
    const std::vector<UniqueFd>* fds() const { return attached_ == nullptr ? nullptr : attached_->fds.get(); }
    size_t fd_count() const { return attached_ == nullptr ? 0 : attached_->fds->size(); }
    // They could not be sent: has the frame say so, and lets go of them.
    void LoseFds();

   private:
    friend class PacketQueue;
    struct Attached {
      internal::OutgoingFds fds;
      size_t head_end;
    };

    size_t capacity_ = 0;
    Block data_;
    size_t size_ = 0;
    std::unique_ptr<Attached> attached_;
  };

  // Room for a frame of `size` bytes (at most kMaxPacketBytes) at the end of the last packet, or of a new one. The
  // caller fills all of it before it calls anything else here.
  char* Append(size_t size) { return Append(size, /*with_fds=*/false); }

  // Appends `frame` with room for a body of `body_size` bytes, and returns where the body goes.
  template <typename Frame>
  char* AppendFrame(const Frame& frame, size_t body_size) {
    const FrameHeader header = frame.Header(body_size);
    char* out = Append(header.size);
    header.Serialize(out);
    frame.SerializeHead(out + FrameHeader::kBytes);
    return out + FrameHeader::kBytes + header.head_size;
  }

  // The same of a frame whose message has `fds`, or none where that is null. A packet takes those of one frame, so that
  // only that frame's call has to do with it where the kernel refuses them.
  template <typename Frame>
  char* AppendFrame(const Frame& frame, size_t body_size, const internal::OutgoingFds& fds) {
    if (fds == nullptr) return AppendFrame(frame, body_size);
    const FrameHeader header = frame.Header(body_size);
    char* out = Append(header.size, /*with_fds=*/true);
    header.Serialize(out);
    frame.SerializeHead(out + FrameHeader::kBytes);
    char* const body = out + FrameHeader::kBytes + header.head_size;
    Packet& packet = packets_.back();
    packet.Attach(fds, static_cast<size_t>(body - packet.data()));
    fds_ += fds->size();
    return body;
  }

  template <typename Frame>
  void AppendFrame(const Frame& frame, absl::string_view body = {}) {
    char* out = AppendFrame(frame, body.size());
    body.copy(out, body.size());
  }

  // Appends a packet of whole frames that was built elsewhere; the frames behind it go into others.
  void AppendPacket(Packet packet);

  bool empty() const { return first_ == packets_.size(); }
  // What is queued now, what ever was, and what was taken and not returned: a frame that ended at `bytes_appended` is
  // on its way, or sent, once `bytes_taken` has reached that.
  size_t bytes() const { return static_cast<size_t>(bytes_appended_ - bytes_taken_); }
  uint64_t bytes_appended() const { return bytes_appended_; }
  uint64_t bytes_taken() const { return bytes_taken_; }
  // Descriptors that are queued now.
  size_t fds() const { return fds_; }

  // The oldest packet, to be sent; further frames go into others. Not when empty().
  Packet Take();
  // Puts back at the front what Take gave and the socket did not.
  void Return(Packet packet);
  // Gives the memory of a sent packet back for reuse.
  void Recycle(Packet packet);

  // Forgets what is queued, as if it had never been appended.
  void Clear();

 private:
  char* Append(size_t size, bool with_fds);
  static void Reserve(Packet& packet, size_t capacity);

  // Those from first_ on; an idle queue has no memory for more than a few.
  std::vector<Packet> packets_;
  size_t first_ = 0;
  bool last_is_whole_ = false;  // nothing is to be appended to the last packet
  uint64_t bytes_appended_ = 0;
  uint64_t bytes_taken_ = 0;
  size_t fds_ = 0;
  Packet spare_;
};

}  // namespace udsrpc::wire

#endif  // UDSRPC_COMMON_WIRE_PACKET_QUEUE_H_
