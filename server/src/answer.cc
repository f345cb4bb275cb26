#include "server/src/answer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/status_details.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"

namespace udsrpc {
namespace {

// What trailing metadata and error may take together, whatever the client would accept: with as much initial metadata
// they still fit a frame's head.
constexpr size_t kMaxTrailerBytes = 24 << 10;

// What the frame of an OK takes beside metadata and message: its header, the lengths of two sections, and the number of
// descriptors.
constexpr size_t kMaxHeadBytes = wire::FrameHeader::kBytes + 4 + 2;

}  // namespace

Answer::Answer(uint32_t call, const absl::Status& status, const ServerContext& context,
               const google::protobuf::MessageLite* response, internal::OutgoingFds fds, uint32_t max_metadata,
               bool initial_sent)
    : response_(response), fds_(std::move(fds)) {
  frame_.call = call;
  if (absl::Status filled = Fill(status, context, max_metadata, initial_sent); !filled.ok()) {
    frame_ = wire::StatusFrame{.call = call};
    details_.clear();
    message_bytes_ = 0;
    fds_ = nullptr;
    SetStatus(filled);
  }
}

Answer::Answer(uint32_t call, const absl::Status& status, bool refused) {
  frame_.call = call;
  frame_.refused = refused;
  SetStatus(status);
}

bool Answer::Fits(const google::protobuf::MessageLite& response, const ServerContext& context) {
  const size_t metadata = context.initial_metadata().ByteSize() + context.trailing_metadata().ByteSize();
  return response.ByteSizeLong() + metadata + kMaxHeadBytes <= wire::kMaxPacketBytes;
}

absl::Status Answer::Fill(const absl::Status& status, const ServerContext& context, uint32_t max_metadata,
                          bool initial_sent) {
  if (!initial_sent) {
    if (absl::Status s = wire::SerializeMetadata(context.initial_metadata(), initial_metadata_); !s.ok()) return s;
  }
  if (absl::Status s = wire::SerializeMetadata(context.trailing_metadata(), trailing_metadata_); !s.ok()) return s;
  frame_.initial_metadata = initial_metadata_;
  frame_.trailing_metadata = trailing_metadata_;
  if (!status.ok()) details_ = SerializeStatusDetails(status);
  SetStatus(status);
  const size_t trailer_bytes = context.trailing_metadata().ByteSize() + status.message().size() + details_.size();
  const size_t limit = std::min<size_t>(max_metadata, kMaxTrailerBytes);
  const size_t initial_bytes = initial_sent ? 0 : context.initial_metadata().ByteSize();
  if (trailer_bytes > limit || initial_bytes > max_metadata) {
    return absl::ResourceExhaustedError(absl::StrCat(
        context.method(), ": the handler's metadata and status take ", std::max(trailer_bytes, initial_bytes),
        " bytes, and the client accepts ", limit, "; send less, or raise ChannelOptions::max_metadata_bytes"));
  }
  if (response_ == nullptr) return absl::OkStatus();
  frame_.has_message = true;
  if (fds_ != nullptr) frame_.fds = static_cast<uint16_t>(fds_->size());
  message_bytes_ = static_cast<size_t>(response_->GetCachedSize());
  return absl::OkStatus();
}

void Answer::SetStatus(const absl::Status& status) {
  frame_.code = static_cast<uint32_t>(status.code());
  if (status.ok()) return;
  const absl::string_view message = status.message();
  status_message_.assign(message.data(), message.size());
  frame_.status_message = status_message_;
  frame_.details = details_;
}

void Answer::SerializeMessage(char* out) const {
  if (message_bytes_ > 0) response_->SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out));
}

}  // namespace udsrpc
