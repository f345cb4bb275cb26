#include "client/src/grpc_stub_carrier.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <chrono>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/src/grpc_status.h"
#include "udsrpc/internal/tsan.h"

namespace udsrpc {
namespace {

// gRPC sets these itself, and puts its own in place of a user's.
bool IsReserved(absl::string_view key) {
  return absl::StartsWith(key, "grpc-") || key == "user-agent" || key == "content-type" || key == "te";
}

grpc::string_ref Ref(absl::string_view text) { return {text.data(), text.size()}; }

void Fill(const Metadata& metadata, std::multimap<grpc::string_ref, grpc::string_ref>& received) {
  for (const auto& [key, value] : metadata) received.emplace(Ref(key), Ref(value));
}

}  // namespace

void GoOn(GrpcBatch& batch) {
  internal::TsanRelease(&batch);
  batch.Proceed();
}

void AcquireBatch(const GrpcBatch& batch) { internal::TsanAcquire(&batch); }

absl::Status NoThreadError(const std::system_error& error) {
  return absl::ResourceExhaustedError(absl::StrCat("no thread to be had for the call: ", error.what()));
}

void CopySentMessage(GrpcBatch& batch, internal::OpaqueMessage& message) {
  std::string& bytes = *message.mutable_unknown_fields();
  std::vector<grpc::Slice> slices;
  // Not taken out: by it gRPC knows later that there was a message.
  if (!batch.GetSerializedSendMessage()->Dump(&slices).ok()) return;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

void GrpcStubCarrier::Configure(const grpc::ClientContext& context, GrpcBatch& first) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline != std::chrono::system_clock::time_point::max()) context_.set_deadline(absl::FromChrono(deadline));
  context_.set_wait_for_ready(options_.wait_for_ready);
  for (const auto& [key, value] : *first.GetSendInitialMetadata()) {
    if (IsReserved(key)) continue;
    refusal_.Update(context_.AddMetadata(key, value));
  }
  if (!refusal_.ok()) channel_->CountRefused(method_.path, refusal_.code());
}

void GrpcStubCarrier::FillInitialMetadata(GrpcBatch& batch) const {
  Fill(context_.server_initial_metadata(), *batch.GetRecvInitialMetadata());
}

bool GrpcStubCarrier::Deliver(const internal::OpaqueMessage& message, GrpcBatch& batch) const {
  void* const target = batch.GetRecvMessage();
  const std::string& bytes = message.unknown_fields();
  if (!options_.generic) return static_cast<google::protobuf::MessageLite*>(target)->ParseFromString(bytes);
  const grpc::Slice slice(bytes);
  grpc::ByteBuffer(&slice, 1).Swap(static_cast<grpc::ByteBuffer*>(target));
  return true;
}

void GrpcStubCarrier::FillStatus(GrpcBatch& batch, const absl::Status& status) {
  auto& trailing = *batch.GetRecvTrailingMetadata();
  Fill(context_.server_trailing_metadata(), trailing);
  grpc::Status& received = *batch.GetRecvStatus();
  received = ToGrpcStatus(status);
  if (received.ok()) return;
  details_ = received.error_details();
  if (!details_.empty()) trailing.emplace(Ref(kGrpcStatusDetailsKey), Ref(details_));
}

}  // namespace udsrpc
