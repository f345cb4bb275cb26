#ifndef UDSRPC_SERVER_ANSWER_H_
#define UDSRPC_SERVER_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "common/src/wire/frame.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/internal/call_fds.h"
#include "udsrpc/server_context.h"

namespace udsrpc {

// How a call ended, ready to be written: a STATUS frame and the strings that it has views of. Stays where it was made.
class Answer {
 public:
  // `response` is null unless `status` is OK, fits the frame, and must outlive the answer. Metadata of more than
  // `max_metadata` (as the client's HELLO says) becomes RESOURCE_EXHAUSTED. Without the context's initial metadata
  // where that was sent ahead. `fds` go with the response, where there is one.
  Answer(uint32_t call, const absl::Status& status, const ServerContext& context,
         const google::protobuf::MessageLite* response, internal::OutgoingFds fds, uint32_t max_metadata,
         bool initial_sent);
  // Of a call that did not get as far as a handler.
  Answer(uint32_t call, const absl::Status& status, bool refused);
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  // Whether `response` fits the frame that ends its call, whatever metadata that has, or has to be sent ahead of it.
  // Calls ByteSizeLong.
  static bool Fits(const google::protobuf::MessageLite& response, const ServerContext& context);

  const wire::StatusFrame& frame() const { return frame_; }
  size_t message_bytes() const { return message_bytes_; }
  const internal::OutgoingFds& fds() const { return fds_; }
  // Writes the body: message_bytes() bytes.
  void SerializeMessage(char* out) const;

 private:
  absl::Status Fill(const absl::Status& status, const ServerContext& context, uint32_t max_metadata, bool initial_sent);
  void SetStatus(const absl::Status& status);

  wire::StatusFrame frame_;
  std::string status_message_;
  std::string details_;
  std::string initial_metadata_;
  std::string trailing_metadata_;
  const google::protobuf::MessageLite* response_ = nullptr;
  size_t message_bytes_ = 0;
  internal::OutgoingFds fds_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_ANSWER_H_
