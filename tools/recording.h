#ifndef UDSRPC_TOOLS_RECORDING_H_
#define UDSRPC_TOOLS_RECORDING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/io/zero_copy_stream_impl.h"
#include "udsrpc/unique_fd.h"
#include "udsrpc/v1/introspection.pb.h"

namespace udsrpc::tools {

// Writes a file of recorded calls, see recording.proto.
class RecordingWriter {
 public:
  // Makes a file of mode 0600 beside `path`, which becomes that one with its first call. What is no regular file, as a
  // pipe, is written to as it is. The message says why it cannot.
  static absl::StatusOr<std::unique_ptr<RecordingWriter>> Create(const std::string& path);

  // Writes whose calls they are, once they are about to come. Not OK: the disk is full, or the like.
  absl::Status Begin(const std::string& target);

  // Writes what has come, and keeps it. Not OK: as Begin.
  absl::Status Write(const v1::WatchCallsResponse& calls);

  // Puts the file in its place, though it may have no call.
  absl::Status Keep();

  // Removes the file where it was not kept.
  ~RecordingWriter();
  RecordingWriter(const RecordingWriter&) = delete;
  RecordingWriter& operator=(const RecordingWriter&) = delete;

 private:
  RecordingWriter(std::string path, std::string written, UniqueFd fd);
  absl::Status Flush();

  const std::string path_;
  std::string written_;  // the file beside it; empty: it is in its place
  UniqueFd fd_;
  google::protobuf::io::FileOutputStream stream_;
  uint64_t dropped_ = 0;
};

struct Recording {
  std::vector<v1::CallEvent> calls;
  uint64_t dropped = 0;
  bool cut = false;  // the file ends within an entry
};

// Reads the whole of such a file. The message says why it is none.
absl::StatusOr<Recording> ReadRecording(const std::string& path);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_RECORDING_H_
