# Run by `cmake -P`: one nvcc call whose words (registers, stack, spills) go to a log; shown only when it fails.
#   -DNVCC=.. -DARGUMENTS=a|b|c -DLOG=file
string(REPLACE "|" ";" arguments "${ARGUMENTS}")
execute_process(COMMAND ${NVCC} ${arguments} RESULT_VARIABLE result OUTPUT_VARIABLE words ERROR_VARIABLE words)
file(WRITE ${LOG} "${words}")
if(NOT result EQUAL 0)
  message(FATAL_ERROR "nvcc failed:\n${words}")
endif()
