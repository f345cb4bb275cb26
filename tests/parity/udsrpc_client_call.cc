#include "tests/parity/udsrpc_client_call.h"

#include <optional>

#include "tests/parity/udsrpc_stubs.h"

namespace udsrpc::parity {
namespace {

template <typename Stub>
class BlockingCall final : public UdsrpcCallBase {
 public:
  BlockingCall(const std::shared_ptr<Channel>& channel, const CallOptions& options, std::vector<std::string>& refused)
      : UdsrpcCallBase(options, refused), stub_(channel) {}

  void Start(const Note& request) override {
    switch (kind_) {
      case MethodKind::kUnary:
        request_ = request;
        break;
      case MethodKind::kServerStreaming:
        reader_.emplace(stub_.ServerStream(context_, request));
        break;
      case MethodKind::kClientStreaming:
        writer_.emplace(stub_.ClientStream(context_, reply_));
        break;
      case MethodKind::kBidiStreaming:
        both_.emplace(stub_.Bidi(context_));
        break;
    }
  }

  bool Read(Note& note) override { return reader_ ? reader_->Read(note) : both_->Read(note); }

  bool Write(const Note& note, bool last) override {
    if (last) return writer_ ? writer_->WriteLast(note) : both_->WriteLast(note);
    return writer_ ? writer_->Write(note) : both_->Write(note);
  }

  bool WritesDone() override { return writer_ ? writer_->WritesDone() : both_->WritesDone(); }

  void WaitForInitialMetadata() override {
    if (reader_) reader_->WaitForInitialMetadata();
    if (writer_) writer_->WaitForInitialMetadata();
    if (both_) both_->WaitForInitialMetadata();
  }

  Outcome Finish() override {
    if (reader_) return FromStatus(reader_->Finish());
    if (writer_) return FromStatus(writer_->Finish());
    if (both_) return FromStatus(both_->Finish());
    return FromStatus(stub_.Unary(context_, request_, reply_));
  }

 private:
  const Stub stub_;
  std::optional<ClientReader<Note>> reader_;
  std::optional<ClientWriter<Note, Note>> writer_;
  std::optional<ClientReaderWriter<Note, Note>> both_;
};

}  // namespace

std::unique_ptr<ClientCall> MakeBlockingCall(const std::shared_ptr<Channel>& channel, const CallOptions& options,
                                             std::vector<std::string>& refused) {
  return MakeCallOf<BlockingCall>(channel, options, refused);
}

}  // namespace udsrpc::parity
