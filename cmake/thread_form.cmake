# The parts of tests/conformance/test_thread_form: units of the GPU's source compiled by cc ("twins"), and the same units
# of the CPU driver with the dimensions and steppers that the program itself does not hold ready. -O1 and v3 are enough: bits
# do not depend on it.
if(NOT TARGET test_thread_form OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  return()
endif()
set(twin_units ornstein_uhlenbeck: geometric_brownian_motion: double_well: quadratic:3 quadratic:4 linear_regression:4
    linear_regression:6 logistic_regression:2 linear_regression_gaussian:2 linear_regression_gaussian:3
    scaled_brownian_motion: continuous_time_random_walk: levy_walk: annealed_transit_time:)
set(twin_folder ${CMAKE_BINARY_DIR}/generated)
set(twin_all_kinds ornstein_uhlenbeck quadratic_3 linear_regression_gaussian_2)
set(twin_watched ornstein_uhlenbeck quadratic_3 linear_regression_4) # also with a look after every step
set(twin_permuted linear_regression_4 logistic_regression_2) # also with rows drawn without replacement
set(twin_noisy linear_regression_4) # also with noise on the rows
set(twin_stable ornstein_uhlenbeck quadratic_3 quadratic_4) # also with alpha-stable increments
set(twin_traced linear_regression_4 linear_regression_gaussian_2 quadratic_4) # also with the feature noise_trace
set(twin_coarse ornstein_uhlenbeck quadratic_4 linear_regression_4) # also with increments that are sums
set(twin_common linear_regression_6 quadratic_3) # without the rare steppers, which other dimensions have
set(twin_flags -O1 -g1 -ffp-contract=off -fno-math-errno -fno-trapping-math -fopenmp-simd)

# One generated file: a few lines around thread_twin.c (set twin) or unit_cpu.c (set v3).
function(add_twin_source set_name file model dim lines)
  set(text "${lines}#define EG_MODEL_FILE \"models/${model}.h\"\n")
  if(dim)
    string(APPEND text "#define EG_DIM ${dim}\n")
  endif()
  if(set_name STREQUAL "twin")
    string(APPEND text "#define EG_THREAD_FORM\n#include \"${CMAKE_SOURCE_DIR}/tests/conformance/thread_twin.c\"\n")
  else()
    string(APPEND text "#include \"unit_cpu.c\"\n")
  endif()
  file(CONFIGURE OUTPUT ${twin_folder}/${file}.c CONTENT "${text}" @ONLY)
  set(sources_${set_name} ${sources_${set_name}} ${twin_folder}/${file}.c PARENT_SCOPE)
endfunction()

set(sources_twin "")
set(sources_v3 "")
foreach(unit ${twin_units})
  string(REPLACE ":" ";" parts ${unit})
  list(GET parts 0 model)
  list(GET parts 1 dim)
  set(name ${model})
  if(dim)
    set(name ${model}_${dim})
  endif()
  set(lines "#define TWIN_SYMBOL twin_${name}\n")
  if(name IN_LIST twin_all_kinds)
    string(APPEND lines "#define TWIN_ALL_KINDS\n")
  endif()
  if(name IN_LIST twin_common)
    string(APPEND lines "#define TWIN_COMMON\n")
  endif()
  if(name STREQUAL "ornstein_uhlenbeck")
    string(APPEND lines "#define TWIN_INDICES\n")
  endif()
  add_twin_source(twin twin_${name} ${model} "${dim}" "${lines}")
  if(name IN_LIST twin_watched)
    add_twin_source(twin watched_${name} ${model} "${dim}" "#define TWIN_SYMBOL watched_${name}\n#define TWIN_ONE_KIND\n#define EG_WATCHED 1\n")
  endif()
  foreach(special permuted noisy stable traced coarse)
    if(name IN_LIST twin_${special})
      string(TOUPPER ${special} macro)
      set(kinds "#define TWIN_ONE_KIND\n")
      if(special STREQUAL "coarse" AND name IN_LIST twin_all_kinds) # gaussian64 is summed too
        set(kinds "#define TWIN_ALL_KINDS\n")
      endif()
      add_twin_source(twin ${special}_${name} ${model} "${dim}"
                      "#define TWIN_SYMBOL ${special}_${name}\n${kinds}#define EG_${macro} 1\n")
    endif()
  endforeach()
  add_twin_source(v3 cpu_${name}_v3 ${model} "${dim}"
                  "#define EG_UNIT_SYMBOL cpu_${name}_v3\n#define EG_ISA_NAME \"v3\"\n")
endforeach()
# for the run-time compiler that is played: float state, a user's model
add_twin_source(twin twin_ornstein_uhlenbeck_float ornstein_uhlenbeck ""
                "#define TWIN_SYMBOL twin_ornstein_uhlenbeck_float\n#define TWIN_ALL_KINDS\n#define EG_REAL float\n")
add_twin_source(twin coarse_ornstein_uhlenbeck_float ornstein_uhlenbeck ""
                "#define TWIN_SYMBOL coarse_ornstein_uhlenbeck_float\n#define TWIN_ONE_KIND\n#define EG_COARSE 1\n#define EG_REAL float\n")
add_twin_source(twin watched_coarse_ornstein_uhlenbeck ornstein_uhlenbeck ""
                "#define TWIN_SYMBOL watched_coarse_ornstein_uhlenbeck\n#define TWIN_ONE_KIND\n#define EG_COARSE 1\n#define EG_WATCHED 1\n")
add_twin_source(twin twin_user_model ../../tests/conformance/user_model ""
                "#define TWIN_SYMBOL twin_user_model\n#define TWIN_ALL_KINDS\n")
add_twin_source(twin watched_clamped_model ../../tests/conformance/clamped_model ""
                "#define TWIN_SYMBOL watched_clamped_model\n#define EG_WATCHED 1\n")
add_twin_source(v3 cpu_wide_ornstein_uhlenbeck_v3 ornstein_uhlenbeck ""
                "#define EG_NOISE_REAL double\n#define EG_UNIT_SYMBOL cpu_wide_ornstein_uhlenbeck_v3\n#define EG_ISA_NAME \"v3\"\n")

foreach(part twin v3)
  add_library(eg_thread_form_${part} OBJECT ${sources_${part}})
  target_link_libraries(eg_thread_form_${part} PRIVATE ${kernel_interface})
  target_include_directories(eg_thread_form_${part} PRIVATE ${CMAKE_SOURCE_DIR}/tests/conformance)
  target_compile_options(eg_thread_form_${part} PRIVATE ${twin_flags})
endforeach()
target_compile_options(eg_thread_form_twin PRIVATE -march=x86-64-v3)
set_target_properties(eg_thread_form_twin PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_compile_options(eg_thread_form_v3 PRIVATE -march=x86-64-v3)
target_sources(test_thread_form PRIVATE $<TARGET_OBJECTS:eg_thread_form_twin> $<TARGET_OBJECTS:eg_thread_form_v3>)

# The plug-in's host code without a GPU: linked with the twins and a runtime that plays the device, it must pass what the
# real one must.
if(TARGET ensgrad_cuda)
  set(fake_folder ${CMAKE_BINARY_DIR}/tests/fake_cuda)
  add_library(fake_cuda MODULE ${plugin_host_sources} tests/conformance/fake_cudart.c tests/conformance/fake_streams.c
                               $<TARGET_OBJECTS:eg_thread_form_twin> $<TARGET_OBJECTS:eg_team_twin>
                               $<TARGET_OBJECTS:eg_population_twin>)
  target_link_libraries(fake_cuda PRIVATE ensgrad_flags Threads::Threads ${CMAKE_DL_LIBS} m)
  target_include_directories(fake_cuda PRIVATE ${plugin_folder} tests/conformance)
  target_include_directories(fake_cuda SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  target_link_options(fake_cuda PRIVATE -Wl,--no-undefined)
  set_target_properties(fake_cuda PROPERTIES PREFIX lib OUTPUT_NAME ensgrad_cuda LIBRARY_OUTPUT_DIRECTORY ${fake_folder})
  add_dependencies(test_cuda_backend fake_cuda)
  add_dependencies(test_cuda_statistics fake_cuda)
  add_dependencies(test_cuda_groups fake_cuda)
  add_executable(cuda_host tests/conformance/cuda_host.c)
  target_link_libraries(cuda_host PRIVATE ensgrad)
  target_include_directories(cuda_host PRIVATE tests)
  set_target_properties(cuda_host PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(cuda_host fake_cuda)
  add_test(NAME conformance.test_cuda_host COMMAND cuda_host WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(conformance.test_cuda_host PROPERTIES LABELS conformance SKIP_RETURN_CODE 77 TIMEOUT ${test_seconds}
                       ENVIRONMENT "ENSGRAD_TEST_PLUGIN=${fake_folder};ENSGRAD_NVRTC=$<TARGET_FILE:fake_nvrtc>;ENSGRAD_CACHE=/dev/null/none")
  add_executable(nvrtc_compile tests/conformance/nvrtc_compile.c)
  foreach(name compile nvrtc sources message)
    target_sources(nvrtc_compile PRIVATE ${plugin_folder}/${name}.c)
  endforeach()
  target_link_libraries(nvrtc_compile PRIVATE ensgrad)
  target_include_directories(nvrtc_compile PRIVATE tests ${plugin_folder})
  target_include_directories(nvrtc_compile SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  set_target_properties(nvrtc_compile PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME conformance.test_nvrtc_compile COMMAND nvrtc_compile)
  set_tests_properties(conformance.test_nvrtc_compile PROPERTIES LABELS conformance SKIP_RETURN_CODE 77 TIMEOUT ${test_seconds})
  add_test(NAME slow.test_nvrtc_full COMMAND nvrtc_compile --full)
  set_tests_properties(slow.test_nvrtc_full PROPERTIES LABELS slow SKIP_RETURN_CODE 77 TIMEOUT 7200)
  add_library(other_abi MODULE tests/conformance/other_abi.c)
  target_link_libraries(other_abi PRIVATE ensgrad_flags)
  target_include_directories(other_abi PRIVATE ${plugin_folder})
  set_target_properties(other_abi PROPERTIES PREFIX lib OUTPUT_NAME ensgrad_cuda
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/other_abi)
  add_test(NAME conformance.test_cuda_faults
           COMMAND sh tests/conformance/cuda_faults.sh $<TARGET_FILE:ensgrad_program> $<TARGET_FILE:hash_result>
                   ${fake_folder} ${CMAKE_BINARY_DIR}/tests/other_abi WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(conformance.test_cuda_faults PROPERTIES LABELS conformance TIMEOUT ${test_seconds})
  add_test(NAME conformance.test_cuda_sweep
           COMMAND sh tests/conformance/cuda_sweep.sh $<TARGET_FILE:ensgrad_program> $<TARGET_FILE:hash_result> ${fake_folder}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(conformance.test_cuda_sweep PROPERTIES LABELS conformance TIMEOUT ${test_seconds})
  add_test(NAME conformance.test_cuda_several
           COMMAND sh tests/conformance/cuda_several.sh $<TARGET_FILE:ensgrad_program> $<TARGET_FILE:hash_result>
                   ${fake_folder} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(conformance.test_cuda_several PROPERTIES LABELS conformance TIMEOUT ${test_seconds})
  add_library(fake_nvrtc MODULE tests/conformance/fake_nvrtc.c)
  target_link_libraries(fake_nvrtc PRIVATE ensgrad_flags)
  set_target_properties(fake_nvrtc PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME conformance.test_cuda_compile
           COMMAND sh tests/conformance/cuda_compile.sh $<TARGET_FILE:ensgrad_program> $<TARGET_FILE:hash_result>
                   ${fake_folder} $<TARGET_FILE:fake_nvrtc> WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(conformance.test_cuda_compile PROPERTIES LABELS conformance TIMEOUT ${test_seconds})
  add_test(NAME conformance.test_cuda_groups_program
           COMMAND sh tests/conformance/cuda_groups.sh $<TARGET_FILE:ensgrad_program> $<TARGET_FILE:hash_result>
                   ${fake_folder} $<TARGET_FILE:fake_nvrtc> WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(conformance.test_cuda_groups_program PROPERTIES LABELS conformance TIMEOUT ${test_seconds})
  foreach(order concurrent steps statistics)
    set(played "ENSGRAD_TEST_PLUGIN=${fake_folder};ENSGRAD_FAKE_ORDER=${order};ENSGRAD_NVRTC=$<TARGET_FILE:fake_nvrtc>;ENSGRAD_CACHE=/dev/null/none")
    foreach(test backend statistics groups)
      set(name conformance.test_cuda_bits_${test}_${order})
      add_test(NAME ${name} COMMAND test_cuda_${test} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
      set_tests_properties(${name} PROPERTIES LABELS conformance SKIP_RETURN_CODE 77 TIMEOUT ${test_seconds} ENVIRONMENT "${played}")
    endforeach()
    if(NOT order STREQUAL "concurrent") # which has all studies in the test above
      add_test(NAME slow.test_cuda_bits_backend_${order}_full COMMAND test_cuda_backend --full WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
      set_tests_properties(slow.test_cuda_bits_backend_${order}_full PROPERTIES LABELS slow TIMEOUT ${test_seconds} ENVIRONMENT "${played}")
    endif()
  endforeach()
  if(TARGET gpu_audit)
    add_test(NAME conformance.test_gpu_audit COMMAND ${CMAKE_BINARY_DIR}/tests/gpu_audit)
    set_tests_properties(conformance.test_gpu_audit PROPERTIES LABELS conformance SKIP_RETURN_CODE 77 TIMEOUT ${test_seconds})
  endif()
endif()
